// Where the servers that tests and the quickstart run are kept, and which version is pinned. Plain Node 18, no packages.
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The one place that names a MySQL version. When the archive no longer has it, whatever it has now is taken. */
export const PINNED_MYSQL = '9.7.4'

/** Everything below may be deleted at any time: it is made again. */
export function cacheDir() {
  const base = process.env.XDG_CACHE_HOME
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.cache'), 'tabletd')
}

/** Where Debian keeps libraries, and the name of the loader among them. */
export const LIBRARIES = { x64: ['x86_64-linux-gnu', 'ld-linux-x86-64.so.2'], arm64: ['aarch64-linux-gnu', 'ld-linux-aarch64.so.1'] }

/** Directory of an unpacked OpenStack Swift, whose S3 interface the tests speak to. Undefined when there is none. */
export function findSwift() {
  const home = join(cacheDir(), 'swift')
  return existsSync(home) ? home : undefined
}

/** Azurite's blob server, an emulator of Azure's. */
export const azuriteProgram = () => join(cacheDir(), 'object-stores/node_modules/azurite/dist/src/blob/main.js')

/** An emulator of Google's cloud storage. */
export const gcsProgram = () => join(cacheDir(), 'gcs-server/fake-gcs-server')

/** With what a Python of an unpacked prefix finds its own modules and no others. */
export const pythonEnv = (prefix) =>
  ({ PYTHONHOME: join(prefix, 'usr'), PYTHONPATH: join(prefix, 'usr/lib/python3/dist-packages'), PYTHONNOUSERSITE: '1', PYTHONWARNINGS: 'ignore' })

/** How to run a program of an unpacked prefix with its own libraries. */
export function inPrefix(prefix, program) {
  const [triple, loader] = LIBRARIES[process.arch] ?? []
  const libraries = join(prefix, 'usr/lib', triple ?? '')
  return [join(libraries, loader ?? ''), '--library-path', libraries, join(prefix, program)]
}

/** Programs of an unpacked MySQL: real binaries, so /proc/<pid>/exe is mysqld itself. */
export function mysqlPrograms(prefix) {
  return { prefix, mysqld: join(prefix, 'usr/sbin/mysqld'), client: join(prefix, 'usr/bin/mysql') }
}

/** The unpacked MySQL to use: the pinned version, else the newest that is there, else undefined. */
export function findMysql() {
  const wanted = join(cacheDir(), `mysql-${PINNED_MYSQL}`)
  if (existsSync(wanted)) return { version: PINNED_MYSQL, ...mysqlPrograms(wanted) }
  const [newest] = unpackedVersions().sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  return newest === undefined ? undefined : { version: newest, ...mysqlPrograms(join(cacheDir(), `mysql-${newest}`)) }
}

function unpackedVersions() {
  if (!existsSync(cacheDir())) return []
  return readdirSync(cacheDir()).flatMap((name) => /^mysql-(\d+(?:\.\d+)+)$/.exec(name)?.[1] ?? [])
}

/** The first of `names` on PATH or in the places where Debian keeps servers, else undefined. */
export function findProgram(...names) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => path.startsWith('/') && existsSync(path))
}
