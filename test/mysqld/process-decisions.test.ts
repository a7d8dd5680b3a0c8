/** The pure parts of process control, as tables. */
import t from 'tap'
import { decideRestart, type PastExit } from '../../src/mysqld/decide-restart.ts'
import { logPhaseOf, logPhase, logTail, unreadableReason } from '../../src/mysqld/error-log.ts'
import { argumentOf, holdersIn, looksLikeMysqld } from '../../src/mysqld/find-mysqld.ts'
import { privateBootFlags, type PrivateBootPlan } from '../../src/mysqld/private-boot-flags.ts'
import { parseProcStat, sameProcess } from '../../src/mysqld/process-identity.ts'
import { parsePasswd } from '../../src/mysqld/run-as.ts'
import { startFlags } from '../../src/mysqld/start-flags.ts'

const mysql97 = { product: 'MySQL', major: 9, minor: 7, patch: 4 } as const
const mysql8022 = { product: 'MySQL', major: 8, minor: 0, patch: 22 } as const
const maria = { product: 'MariaDB', major: 10, minor: 11, patch: 19 } as const

t.test('a stat line is read past a command with spaces and parentheses', (t) => {
  const rest = 'S 1 2 2 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 39 0 220348 1 1'
  t.same(parseProcStat(`77 (my) sqld (x) ${rest}`), { state: 'S', parentPid: 1, threads: 39, startTicks: '220348' })
  t.equal(parseProcStat(''), undefined)
  t.equal(parseProcStat('77 (mysqld) S 1'), undefined)
  t.end()
})

t.test('a process is the same by pid, start time and boot; an executable that could not be read says nothing', (t) => {
  const one = { pid: 7, startTicks: '1', bootId: 'b', executable: '/usr/sbin/mysqld' }
  t.ok(sameProcess(one, { ...one, executable: '' }))
  for (const other of [{ pid: 8 }, { startTicks: '2' }, { bootId: 'c' }, { executable: '/bin/sh' }]) {
    t.notOk(sameProcess(one, { ...one, ...other }), JSON.stringify(other))
  }
  t.end()
})

t.test('a restart comes at once after exit 16, with growing pauses after quick ends, slowly in a crash loop', (t) => {
  const now = 1_000_000
  const end = (ranMs: number, code = 1): PastExit => ({
    exit: { code, signal: undefined, clean: code === 0 }, startedAtMs: now - ranMs, endedAtMs: now,
  })
  const pause = (...exits: PastExit[]): unknown => {
    const decision = decideRestart(exits, now, () => 0)
    return [decision.notBeforeMs - now, decision.crashLoop, decision.quickEnds]
  }
  t.same(pause(), [0, false, 0], 'never ran')
  t.same(pause(end(3_600_000)), [0, false, 0], 'after a long life')
  t.same(pause(end(10, 16)), [0, false, 0], 'told to restart')
  t.same(pause(end(10)), [1_000, false, 1])
  t.same(pause(end(10), end(10)), [2_000, false, 2])
  t.same(pause(end(3_600_000), end(10), end(10), end(10)), [4_000, false, 3])
  t.same(pause(end(10), end(10), end(10), end(10)), [60_000, true, 4])
  t.same(pause(...Array.from({ length: 9 }, () => end(10))), [300_000, true, 9])
  t.same(pause(end(10), end(10), end(10), end(10), end(3_600_000)), [0, false, 0], 'a long life ends the loop')
  t.same(pause(end(10), end(10), end(10, 16), end(10)), [1_000, false, 1], 'an asked restart is no failure')
  t.end()
})

t.test('a log\'s last word is the server\'s own, not InnoDB\'s', (t) => {
  const my = ['x starting as process 7', 'x mysqld: ready for connections. Version', 'x Received SHUTDOWN from user root. Shutting', 'x mysqld: Shutdown complete (mysqld 9.7.4)  (Debian).']
  const ma = ['x mariadbd (server 10.11) starting as process 7 ...', 'x mariadbd: ready for connections.', 'x mariadbd (initiated by: root[root] @ localhost []): Normal shutdown',
    'x InnoDB: Shutdown completed; log sequence number 44776', 'x mariadbd: Shutdown complete']
  t.same(my.map((_, i) => logPhase(my.slice(0, i + 1).join('\n'))), ['starting', 'ready', 'shutting-down', 'shut-down'])
  t.same(ma.map((_, i) => logPhase(ma.slice(0, i + 1).join('\n'))), ['starting', 'ready', 'shutting-down', 'shutting-down', 'shut-down'])
  t.equal(logPhase(`${ma.join('\n')}\n\nx starting as process 8`), 'starting', 'the next server counts')
  t.equal(logPhase('nothing\nto see\n'), 'silent')
  const older = '… mysqld (mysqld 9.7.4) starting as process 7\n… mysqld: Shutdown complete (mysqld 9.7.4)'
  t.equal(logPhaseOf(older, 7), 'shut-down')
  t.equal(logPhaseOf(older, 8), 'silent', 'a log that ends with an older run says nothing of this one')
  t.equal(logPhaseOf('Starting MariaDB 10.11.19 source revision ab server_uid x= as process 9\n0 [Note] x: Shutdown complete', 8), 'silent')
  t.end()
})

t.test('what a server cannot read is told from what it lacks', (t) => {
  for (const line of [
    "2026-11-21T02:00:56.604223Z 1 [ERROR] [MY-013171] [InnoDB] Cannot boot server version 80400 on data directory built by version 90700. Downgrade is not supported",
    '2026-11-21T02:00:56.604223Z 1 [ERROR] [MY-014061] [Server] Invalid MySQL server downgrade: Cannot downgrade from 90704 to 80405.',
    "2026-11-21  2:00:56 0 [ERROR] InnoDB: ib_logfile0 was not found",
    "2026-11-21  2:00:56 0 [ERROR] Fatal error: Can't open and lock privilege tables: Table 'mysql.db' doesn't exist",
  ]) t.ok(unreadableReason(`${line}\nx [ERROR] Aborting\n`), line)
  t.equal(unreadableReason("x [ERROR] Can't start server: Bind on TCP/IP port: Address already in use"), undefined)
  t.equal(logTail('a\n\nx [ERROR] one\nb\nx [ERROR] two\n'), 'x [ERROR] one | x [ERROR] two')
  t.equal(logTail('a\nb\nc', 2), 'b | c')
  t.end()
})

t.test('a mysqld is known by its name behind a loader, and by its options; a shell is none', (t) => {
  t.ok(looksLikeMysqld(['/usr/sbin/mariadbd', '--user=mysql']))
  t.ok(looksLikeMysqld(['/x/ld-linux-x86-64.so.2', '--library-path', '/x', '/x/usr/sbin/mysqld', '--defaults-file=a']))
  t.ok(looksLikeMysqld(['/opt/server', '--datadir=/var/lib/mysql']))
  t.notOk(looksLikeMysqld(['/bin/bash']))
  t.notOk(looksLikeMysqld(['vim', 'mysqld.cnf']))
  t.equal(argumentOf(['m', '--socket=/a', '--SOCKET', 'x', '--socket=/b'], 'socket'), '/b', 'the last wins')
  t.equal(argumentOf(['m', '--init_file=/a'], 'init-file'), '/a')
  t.equal(argumentOf(['m', '--user=x'], 'socket'), undefined)
  t.end()
})

t.test('holders of a write lock are found by inode', (t) => {
  const locks = '1: POSIX  ADVISORY  WRITE 8469 fe:00:9979112 0 EOF\n2: FLOCK  ADVISORY  WRITE 1 fe:00:9979112 0 EOF\n3: POSIX  ADVISORY  READ 5 fe:00:9979112 0 EOF\n4: POSIX  ADVISORY  WRITE 0 fe:00:9979112 0 EOF\n'
  t.same(holdersIn(locks, 9979112n), [8469])
  t.same(holdersIn(locks, 1), [])
  t.end()
})

t.test('users are read from passwd(5)', (t) => {
  t.same(parsePasswd('root:x:0:0:root:/root:/bin/bash\nmysql:x:101:102::/none:/bin/false\n\n'),
    [{ name: 'root', uid: 0, gid: 0 }, { name: 'mysql', uid: 101, gid: 102 }])
  t.end()
})

t.test('a normal start: the defaults file first, replication never by itself, flags per flavour', (t) => {
  const subject = { flavor: 'mysql', version: mysql97, myCnf: '/my.cnf', user: undefined, privateSocket: '/p', hidden: ['.before-restore-S'] } as const
  const all = { readOnly: true, closedToClients: true, serverId: 9 }
  t.same(startFlags(subject, { readOnly: false, closedToClients: false }), ['--defaults-file=/my.cnf', '--skip-replica-start'])
  t.same(startFlags({ ...subject, user: 'mysql' }, all),
    ['--defaults-file=/my.cnf', '--user=mysql', '--skip-replica-start', '--super-read-only=ON', '--offline-mode=ON', '--server-id=9'])
  t.same(startFlags({ ...subject, version: mysql8022 }, { readOnly: false, closedToClients: false })[1], '--skip-slave-start', 'before 8.0.26')
  t.same(startFlags({ ...subject, flavor: 'mariadb', version: maria }, all),
    ['--defaults-file=/my.cnf', '--skip-slave-start', '--read-only=ON', '--skip-networking', '--socket=/p', '--ignore-db-dirs=.before-restore-S', '--server-id=9'])
  t.end()
})

t.test('a private boot: no defaults, nothing by itself, nothing of its own in the data', (t) => {
  const plan: PrivateBootPlan = { flavor: 'mysql', version: mysql97, directory: '/t/p', user: undefined, dataDir: '/data' }
  const common = ['--datadir=/data', '--socket=/t/p/mysqld.sock', '--pid-file=/t/p/mysqld.pid', '--log-error=/t/p/error.log',
    '--tmpdir=/t/p/tmp', '--skip-networking', '--event-scheduler=DISABLED', '--skip-log-bin', '--relay-log=/t/p/relay', '--relay-log-recovery=OFF']
  const mysqlOnly = ['--skip-replica-start', '--super-read-only=ON', '--mysqlx=OFF', '--persisted-globals-load=OFF']
  const mariaOnly = ['--skip-slave-start', '--read-only=ON', '--ignore-db-dirs=.x', '--ignore-db-dirs=lost+found']
  for (const [flavor, version, own, foreign] of [['mysql', mysql97, mysqlOnly, mariaOnly], ['mariadb', maria, mariaOnly, mysqlOnly]] as const) {
    const flags = privateBootFlags({ ...plan, flavor, version, hidden: ['.x', 'lost+found'] })
    t.equal(flags[0], '--no-defaults')
    for (const flag of [...common, ...own]) t.ok(flags.includes(flag), `${flavor} has ${flag}`)
    for (const flag of foreign) t.notOk(flags.includes(flag), `${flavor} has no ${flag}`)
    t.notOk(flags.some((flag) => /--(?:user|init-file|innodb-page-size|plugin-load)/.test(flag)), 'nothing that was not asked for')
  }
  const shaped = { pageSize: 8192, innodbDataFilePath: 'a:1M;b:1M:autoextend', lowerCaseTableNames: 1, undoDir: '/u', innodbDataHome: '/h', innodbLogHome: '/l', initFile: '/t/p/init.sql', user: 'mysql' }
  const flags = privateBootFlags({ ...plan, ...shaped, shaping: new Map([['innodb-redo-log-capacity', '1'], ['innodb-log-file-size', '2']]) })
  for (const flag of ['--innodb-page-size=8192', '--innodb-data-file-path=a:1M;b:1M:autoextend', '--lower-case-table-names=1', '--innodb-undo-directory=/u',
    '--innodb-data-home-dir=/h', '--innodb-log-group-home-dir=/l', '--init-file=/t/p/init.sql', '--user=mysql', '--innodb-redo-log-capacity=1']) t.ok(flags.includes(flag), flag)
  t.notOk(flags.includes('--innodb-log-file-size=2'), 'MySQL\'s word for it is the capacity')
  const position = privateBootFlags({ ...plan, flavor: 'mariadb', version: maria, relayLogBase: '/r/relay', binlog: { base: '/b/log', serverId: 9, domainId: 2 } })
  for (const flag of ['--log-bin=/b/log', '--log-bin-index=/b/log.index', '--server-id=9', '--gtid-domain-id=2', '--log-slave-updates=ON', '--relay-log=/r/relay']) {
    t.ok(position.includes(flag), flag)
  }
  t.notOk(position.includes('--skip-log-bin'))
  t.end()
})
