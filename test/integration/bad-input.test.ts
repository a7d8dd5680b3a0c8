/** What a daemon does with input it cannot use: one clear line with code and hint, the right exit, and untouched data. */
import t from 'tap'
import type { Test } from 'tap'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { directoryState } from '../support/checksum.ts'
import { freePort } from '../support/free-port.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { runProgram } from '../support/run-program.ts'
import type { ProgramResult } from '../support/run-program.ts'
import { forEachServer, servers } from '../support/servers.ts'
import { ROOT } from '../support/shard-place.ts'
import { freshServer, startShard } from '../support/shard.ts'
import { cleanEnv } from '../support/tablet.ts'
import type { TestTablet } from '../support/tablet.ts'

const MOST_MS = 120_000

/** The daemon as a program that is expected to end. `without` names flags of the usual ones to leave out. */
function tabletd(tablet: TestTablet, flags: readonly string[], without: readonly string[] = []): Promise<ProgramResult> {
  const usual = tablet.flags.filter((flag) => !without.some((name) => flag.startsWith(`--${name}=`)))
  return runProgram(process.execPath, [join(ROOT, 'src/cli/tabletd.ts'), ...usual, ...flags], { env: cleanEnv(), cwd: tablet.place.dir })
}

interface Refusal { readonly says: RegExp, readonly code: string, readonly exit: number }

/** One line with the reason, one with the code, one with the hint; no stack. */
function refusedWith(t: Test, result: ProgramResult, wanted: Refusal): void {
  t.equal(result.code, wanted.exit, result.stderr)
  t.match(result.stderr, wanted.says)
  t.match(result.stderr, new RegExp(`code: ${wanted.code}\\n`))
  t.match(result.stderr, /hint: \S/)
  t.notMatch(result.stderr, /\n {4}at /, 'no stack')
}

forEachServer(t, 'settings that cannot be used end the daemon with everything that is wrong with them', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  const tablet = await shard.addTablet({ start: false })

  const many = await tabletd(tablet, ['--restor-from-backup', '--wait-for-backup-interval=soon', '--port=70000'], ['file-backup-storage-root'])
  refusedWith(t, many, { says: /restor-from-backup/, code: 'SETTINGS_INVALID', exit: 78 })
  for (const named of [/wait-for-backup-interval.*"?soon/, /port/, /file-backup-storage-root.*is needed/]) t.match(many.stderr, named, 'all of them together')

  const listener = createServer()
  await new Promise<void>((resolve) => { listener.listen(tablet.place.httpPort, '127.0.0.1', resolve) })
  refusedWith(t, await tabletd(tablet, []), { says: new RegExp(String(tablet.place.httpPort)), code: 'PORT_IN_USE', exit: 69 })
  await new Promise((resolve) => { listener.close(resolve) })

  const noServer = await tabletd(tablet, ['--mysqld-path=/nowhere/mysqld'])
  refusedWith(t, noServer, { says: /\/nowhere\/mysqld/, code: 'MYSQLD_NOT_FOUND', exit: 78 })
  const noServerEither = await tabletd(tablet, [`--mysqld-path=${process.execPath}`])
  refusedWith(t, noServerEither, { says: /does not answer as a MySQL or MariaDB server/, code: 'MYSQLD_NOT_FOUND', exit: 78 })

  writeFileSync(join(tablet.place.dir, 'bad.cnf'), `datadir=${tablet.dataDir}\n[mysqld]\n`)
  const badCnf = await tabletd(tablet, [`--my-cnf=${join(tablet.place.dir, 'bad.cnf')}`])
  refusedWith(t, badCnf, { says: /without preceding group.*bad\.cnf/, code: 'SETTINGS_INVALID', exit: 78 })
  t.strictSame(readdirSync(tablet.dataDir).filter((name) => !name.startsWith('.')), [], 'nothing was made')
})

forEachServer(t, 'Vitess\'s spelling works, --check tells what is there, and a second daemon is kept out', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  const tablet = await shard.addTablet({ start: false })
  tablet.flags = [...tablet.flags.filter((flag) => !/^--(backup-storage-implementation|file-backup-storage-root|restore-from-backup)=/.test(flag)),
    '-backup_storage_implementation=file', '-file_backup_storage_root', shard.place.storage, '-restore_from_backup']
  const before = await tabletd(tablet, ['--check'])
  t.equal(before.code, 0, before.stderr)
  t.match(before.stdout, /ok +backup storage: 0 backups\n[^]*ok +topology[^]*ok +mysqld: does not run now/)

  t.equal(await tablet.startDaemon(), undefined)
  await tablet.waitFor('it looked for a backup, and started empty', async () => {
    const { type, data, mysqld } = await tablet.snapshot()
    return type === 'SPARE' && data.origin === 'bootstrap' && mysqld.answers
  }, MOST_MS)

  const running = await tabletd(tablet, ['--check'])
  t.equal(running.code, 0, running.stdout + running.stderr)
  t.match(running.stdout, /ok +mysqld: \S+ answers/)
  writeFileSync(join(tablet.place.dir, 'wrong'), 'wrong\n', { mode: 0o600 })
  const denied = await tabletd(tablet, ['--check', `--db-dba-password-file=${join(tablet.place.dir, 'wrong')}`])
  t.equal(denied.code, 77)
  t.match(denied.stdout, /failed +mysqld: [^]*code: MYSQLD_ACCESS_DENIED\n +hint: \S/)
  const noRoot = await tabletd(tablet, ['--check', `--file-backup-storage-root=${join(tablet.place.dir, 'nowhere')}`])
  t.match(noRoot.stdout, /failed +backup storage: [^]*code: STORAGE_UNREACHABLE\n +hint: \S/)
  t.equal(noRoot.code, 69)

  const second = await tabletd(tablet, [`--port=${await freePort()}`])
  refusedWith(t, second, { says: new RegExp(`held by tabletd of ${tablet.alias}, pid ${tablet.daemonPid ?? ''}`), code: 'LOCK_HELD', exit: 75 })
  const other = join(tablet.place.dir, 'other')
  mkdirSync(other, { mode: 0o750 })
  const sameData = await tabletd(tablet, [`--port=${await freePort()}`, `--tablet-dir=${other}`])
  refusedWith(t, sameData, { says: new RegExp(`held by tabletd of ${tablet.alias}`), code: 'LOCK_HELD', exit: 75 })
  t.ok(await tablet.http('GET', '/livez').then(({ status }) => status === 200), 'the first one goes on')
})

forEachServer(t, 'a directory that this server cannot read is refused with its code, and not touched', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  const [foreign] = servers().filter(({ name }) => name !== server.name)
  const half = async (dataDir: string): Promise<void> => {
    await freshServer(server)(dataDir)
    rmSync(join(dataDir, 'ibdata1'))
  }
  const cases = [['half a directory', half], ...foreign === undefined ? [] : [[`data of ${foreign.name}`, freshServer(foreign)] as const]] as const
  for (const [what, prepare] of cases) {
    const tablet = await shard.addTablet({ start: false, prepare })
    const ours = (path: string): boolean => path === '.tabletd.lock'
    const untouched = await directoryState(tablet.dataDir, ours)
    t.equal(await tablet.startDaemon(), undefined, what)
    const seen = await tablet.waitFor('the code', async () => {
      const snapshot = await tablet.snapshot()
      return snapshot.blockers.some(({ code }) => code === 'DATADIR_UNREADABLE') ? snapshot : undefined
    }, MOST_MS)
    t.equal(seen.type, 'SPARE', what)
    t.equal((await tablet.http('GET', '/readyz')).status, 503)
    await tablet.killDaemon('SIGTERM')
    t.equal(tablet.pidOfMysqld(), undefined, 'no server was started on it')
    t.strictSame(await directoryState(tablet.dataDir, ours), untouched, `${what}: as it was`)
  }
})

forEachServer(t, 'an empty directory that cannot be initialised is tried again, and mended by mending my.cnf', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  const tablet = await shard.addTablet({ start: false, cnf: ['default-storage-engine=nosuch'] })
  await tablet.startDaemon()
  const [why] = await tablet.waitFor('the code and the next try', async () => {
    const found = (await tablet.snapshot()).blockers.filter(({ code }) => code === 'BOOTSTRAP_FAILED')
    return found[0]?.nextTry === undefined ? undefined : found
  }, MOST_MS)
  t.match(why?.message, /nosuch/, 'in the words of the server')
  tablet.addCnf('default-storage-engine=InnoDB')
  await tablet.becomes('SPARE', { deadlineMs: MOST_MS })
  t.equal((await tablet.snapshot()).data.origin, 'bootstrap')
})

leavesNothingBehind(t)
