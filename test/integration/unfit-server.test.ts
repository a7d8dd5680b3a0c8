/** Servers that tabletd does not manage: each is refused with its code, and serves nobody. */
import t from 'tap'
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beginToServe } from '../support/app.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { endMysqld } from '../support/mishaps.ts'
import { forEachServer } from '../support/servers.ts'
import { startShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

const MOST_MS = 120_000

const GTIDS = {
  mysql: {
    off: ['gtid-mode=OFF', 'enforce-gtid-consistency=OFF'],
    on: `set global enforce_gtid_consistency=on; set global gtid_mode=off_permissive;
      set global gtid_mode=on_permissive; set global gtid_mode=on`,
  },
  mariadb: { off: ['gtid-strict-mode=OFF'], on: 'set global gtid_strict_mode=1' },
} as const

const saysCode = (tablet: TestTablet, code: string) => tablet.waitFor(`${tablet.alias} says ${code}`, async () =>
  (await tablet.snapshot()).blockers.find((blocker) => blocker.code === code), MOST_MS)

forEachServer(t, 'a server without GTIDs is not made primary, until it has them', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1, cnf: GTIDS[server.name].off })
  const tablet = shard.tablet(0)
  const why = await saysCode(tablet, 'GTID_REQUIRED')
  t.equal(why.name, 'server-unfit')
  t.match(why.message, server.name === 'mysql' ? /gtid_mode is OFF/ : /gtid_strict_mode/)
  t.equal((await tablet.http('GET', '/healthz')).status, 503)
  const refused = await shard.tabletctl('init-shard-primary', shard.name, tablet.alias)
  t.equal(refused.code, 78, refused.stderr)
  t.match(refused.stderr, /GTID_REQUIRED/)
  t.equal((await tablet.snapshot()).shardRecord.read, 'none', 'nothing was written')
  t.match(await tablet.rows('select @@global.read_only + 0 as ro', privateSocket(tablet)), [{ ro: 1 }])

  tablet.addCnf(...GTIDS[server.name].off.map((line) => line.replace('=OFF', '=ON')))   // MariaDB is opened to clients by a restart
  await tablet.rows(GTIDS[server.name].on, privateSocket(tablet))
  await tablet.waitFor('nothing of it is left', async () => !(await tablet.snapshot()).blockers.some(({ name }) => name === 'server-unfit'), MOST_MS)
  await shard.initPrimary(tablet)
})

/** MariaDB of a tablet that is closed to clients. */
const privateSocket = (tablet: TestTablet): { readonly socketPath?: string } => {
  const names = readdirSync(tablet.tabletDir)
  return names.includes('private.sock') ? { socketPath: join(tablet.tabletDir, 'private.sock') } : {}
}

forEachServer(t, 'a server_id that the primary has is refused, and replaced by another one at the next start', async (t, server) => {
  await using shard = await startShard({ server, tablets: 1, flags: ['--server-id=4711'] })
  await beginToServe(shard)
  const twin = await shard.addTablet()
  const why = await saysCode(twin, 'SERVER_ID_CLASH')
  t.match(why.message, /4711/)
  t.equal((await twin.http('GET', '/healthz')).status, 503)
  t.equal((await twin.snapshot()).replication, undefined, 'nothing was attached')

  await twin.killDaemon('SIGTERM')
  await endMysqld(twin, 'SIGTERM')
  await twin.startDaemon('--server-id=4712')
  await twin.becomes('REPLICA', { healthy: true, deadlineMs: MOST_MS })
  t.equal((await twin.snapshot()).mysqld.serverId, 4712)
})

forEachServer(t, 'a server program of a version that is too old is not started at all', async (t, server) => {
  await using shard = await startShard({ server, tablets: 0 })
  const tablet = await shard.addTablet({ start: false })
  const old = join(tablet.place.dir, 'old-mysqld')
  const version = server.name === 'mysql' ? '5.7.44' : '10.4.34-MariaDB'
  writeFileSync(old, `#!/bin/sh\ncase "$*" in *--version*) echo "mysqld  Ver ${version} for Linux on x86_64";; *) exec "${server.mysqldPath}" "$@";; esac\n`)
  chmodSync(old, 0o755)
  await tablet.startDaemon(`--mysqld-path=${old}`)
  const why = await saysCode(tablet, 'MYSQLD_UNSUPPORTED')
  t.match(why.message, /5\.7\.44|10\.4\.34/)
  t.ok(why.nextTry, 'it is looked at again')
  t.equal((await tablet.http('GET', '/healthz')).status, 503)
  t.equal((await tablet.http('GET', '/livez')).status, 200, 'the daemon stays up')
  t.strictSame(readdirSync(tablet.dataDir).filter((name) => !name.startsWith('.')), [], 'nothing was made of the directory')
})

leavesNothingBehind(t)
