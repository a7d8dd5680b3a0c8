// Packages of another suite unpacked into a directory with every library they need; the system's own are not touched. No root needed.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mysqlArchive } from './apt-source.mjs'
import { output } from './run.mjs'

/** An apt that knows one archive and keeps everything under `work`. */
export async function aptIn(work) {
  const debs = join(work, 'debs')
  for (const folder of ['lists/partial', 'debs/partial', 'root']) mkdirSync(join(work, folder), { recursive: true })
  const archive = mysqlArchive()
  writeFileSync(join(work, 'status'), '')
  writeFileSync(join(work, 'sources.list'), `${archive.line}\n`)
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'), 'Dir::Etc::sourceparts': '-', 'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'), 'Dir::Cache': work, 'Dir::Cache::archives': debs,
    'APT::Sandbox::User': process.env.USER ?? 'root', 'Acquire::Languages': 'none', 'APT::Update::Post-Invoke': '',
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  await output('apt-get', [...options, 'update', '-qq'])
  return { work, debs, packages: archive.packages, options }
}

/** Everything that `names` need, but for what `notNeeded` matches. @returns the directory they lie in */
export async function unpackDebs(apt, names, notNeeded = /^$/) {
  await output('apt-get', [...apt.options, '--no-install-recommends', '-d', '-y', '-qq', 'install', ...names])
  const root = join(apt.work, 'root')
  for (const deb of readdirSync(apt.debs).filter((name) => name.endsWith('.deb') && !notNeeded.test(name))) {
    await output('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner', 'sh', join(apt.debs, deb), root])
  }
  return root
}
