/**
 * MySQL unpacked into the cache with every library it needs, without touching the system's packages.
 *
 * Promises  the cache holds a whole prefix or none: made beside it, tried, then renamed; two runs at once make one.
 *           the programs are real ELF files whose interpreter and library path point into the prefix (patchelf),
 *           so a pid is mysqld's own and /proc/<pid>/exe names mysqld. The prefix cannot be moved afterwards.
 *           no root needed.
 */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { aptIn, unpackDebs } from './apt-prefix.mjs'
import { LIBRARIES, PINNED_MYSQL, cacheDir, findMysql, mysqlPrograms } from './layout.mjs'
import { Refusal, locked, output, say } from './run.mjs'

/** Packages that only the client's helper scripts need. */
const NOT_NEEDED = /^(perl|libperl|libdb|libgdbm|mecab)/

export async function installMysql() {
  if (findMysql() !== undefined) return
  await locked(join(cacheDir(), 'mysql.lock'), async () => {
    if (findMysql() !== undefined) return
    const work = mkdtempSync(join(cacheDir(), 'unpacking-'))
    try {
      await unpack(work)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

async function unpack(work) {
  say('reading the package lists for MySQL')
  const apt = await aptIn(work)
  const chosen = await choosePackages(apt)
  say(`unpacking MySQL ${chosen.version} into ${cacheDir()}`)
  const root = await unpackDebs(apt, [...chosen.names, 'patchelf'], NOT_NEEDED)
  const home = join(cacheDir(), `mysql-${chosen.version}`)
  await pointIntoPrefix(root, home)
  rmSync(join(root, 'usr/share/doc'), { recursive: true, force: true })
  renameSync(root, home)
  await proveItRuns(home)
}

/** The pinned version when the archive has it, else the newest; client and server of one version. */
async function choosePackages(apt) {
  for (const { server, client } of apt.packages) {
    const lines = await output('apt-cache', [...apt.options, 'madison', server])
    const found = lines.split('\n').map((line) => line.split('|')[1]?.trim()).filter((version) => version)
    const debian = found.find((version) => upstream(version) === PINNED_MYSQL) ?? found[0]
    if (debian === undefined) continue
    if (upstream(debian) !== PINNED_MYSQL) say(`MySQL ${PINNED_MYSQL} is gone from the archive; taking ${upstream(debian)}`)
    return { version: upstream(debian), names: [`${server}=${debian}`, `${client}=${debian}`] }
  }
  throw new Refusal('the package archive has no mysql-server-core')
}

const upstream = (version) => version.replace(/^\d+:/, '').replace(/[-+~].*$/, '')

/** Writes the interpreter and library path into the programs, as they will be once the prefix is at `home`. */
async function pointIntoPrefix(root, home) {
  const [triple, loader] = LIBRARIES[process.arch] ?? []
  if (triple === undefined) throw new Refusal(`no MySQL for ${process.arch}`)
  const libraries = `usr/lib/${triple}`
  const patchelf = [join(root, libraries, loader), '--library-path', join(root, libraries), join(root, 'usr/bin/patchelf')]
  const programs = ['usr/sbin/mysqld', 'usr/bin/mysql', 'usr/bin/mysqlbinlog', 'usr/bin/mysqldump'].filter((name) => existsSync(join(root, name)))
  for (const program of programs) {
    // DT_RPATH, not RUNPATH: only the former also holds for the libraries' own libraries and for plugins
    await output(patchelf[0], [...patchelf.slice(1), '--force-rpath', '--set-interpreter', join(home, libraries, loader),
      '--set-rpath', join(home, libraries), join(root, program)])
  }
}

async function proveItRuns(home) {
  const { mysqld, client } = mysqlPrograms(home)
  try {
    await output(mysqld, ['--no-defaults', '--version'])
    await output(client, ['--no-defaults', '--version'])
  } catch (error) {
    rmSync(home, { recursive: true, force: true })
    throw error
  }
}
