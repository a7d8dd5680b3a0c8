/**
 * HAProxy, and promtool of Prometheus, for the tests of what we tell them. Unpacked into the cache, not installed: their
 * packages start services. No root needed.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LIBRARIES, cacheDir, findProgram } from './layout.mjs'
import { Refusal, locked, output, say } from './run.mjs'

const home = () => join(cacheDir(), 'load-balancer')

/** The system's HAProxy or the unpacked one, with the environment it runs in. Undefined when there is none. */
export function findHaproxy() {
  const installed = findProgram('haproxy')
  if (installed !== undefined) return { program: installed, env: {} }
  const program = join(home(), 'usr/sbin/haproxy')
  const [triple = ''] = LIBRARIES[process.arch] ?? []
  return existsSync(program) ? { program, env: { LD_LIBRARY_PATH: join(home(), 'usr/lib', triple) } } : undefined
}

/** Checks Prometheus' rules and tests them. Undefined when there is none. */
export function findPromtool() {
  const installed = findProgram('promtool')
  const unpacked = join(home(), 'usr/bin/promtool')
  return installed ?? (existsSync(unpacked) ? unpacked : undefined)
}

const isThere = () => findHaproxy() !== undefined && findPromtool() !== undefined

/** @throws Refusal when the system has no packages to unpack. */
export async function installLoadBalancer() {
  if (isThere()) return
  if (findProgram('apt-get') === undefined) throw new Refusal('missing: haproxy, promtool. There is no apt-get here; install them by hand.')
  await locked(join(cacheDir(), 'load-balancer.lock'), async () => {
    if (isThere()) return
    say(`unpacking HAProxy and promtool into ${home()}`)
    const work = mkdtempSync(join(cacheDir(), 'unpacking-'))
    try {
      await download(work).catch(async (error) => {
        if (process.getuid() !== 0) throw new Refusal(`missing: haproxy, promtool. Their packages cannot be downloaded: ${error.message}`)
        await output('apt-get', ['update', '-qq'])   // the lists of a fresh machine are empty or old
        await download(work)
      })
      await unpack(work)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

/** HAProxy with the libraries that the system lacks; of Prometheus the one package, as its page needs many more. */
async function download(work) {
  mkdirSync(join(work, 'partial'), { recursive: true })
  const options = ['-o', `Dir::Cache::archives=${work}`, '-o', 'Debug::NoLocking=1', '-o', `APT::Sandbox::User=${process.env.USER ?? 'root'}`]
  await output('apt-get', [...options, '--no-install-recommends', '-d', '-y', '-qq', 'install', 'haproxy'])
  await output('apt-get', [...options, '-qq', 'download', 'prometheus'], { cwd: work })
}

async function unpack(work) {
  const root = join(work, 'root')
  mkdirSync(root)
  for (const deb of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    const only = deb.startsWith('prometheus_') ? ['./usr/bin/promtool'] : []
    await output('sh', ['-c', 'deb=$1; shift; dpkg-deb --fsys-tarfile "$deb" | tar -x --no-same-owner "$@"', 'sh', join(work, deb), ...only], { cwd: root })
  }
  rmSync(home(), { recursive: true, force: true })
  renameSync(root, home())
  const { program, env } = findHaproxy()
  await output(program, ['-v'], { env: { ...process.env, ...env } })
}
