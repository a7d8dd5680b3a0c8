/**
 * The life of a shard, told while it happens: three mysqlds, three daemons, one temporary directory.
 *
 * Arguments: the server program, its flavour, and `once` to end after the story. Exits 0 when every step came true.
 * Every step looks at what the daemons themselves say; none sleeps and hopes.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Operation } from '../src/model/operation.ts'
import type { TabletSnapshot } from '../src/model/snapshot.ts'
import { ROOT, SHARD, endTablets, findPorts, logTail, pause, prepareStage, query, snapshotOf, startTablet } from './quickstart-tablet.ts'
import type { Tablet } from './quickstart-tablet.ts'

const [mysqld = '', flavor, mode] = process.argv.slice(2)
/** For one step; a restore on a slow machine takes a fraction of it. */
const PATIENCE_MS = 90_000
/** No use waiting any longer. */
class Gone extends Error {}

const started = Date.now()
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { interrupted.abort(new Error(`ended by ${signal}`)) })

const stage = prepareStage({
  dir: mkdtempSync(join(tmpdir(), 'tabletd-quickstart-')), mysqld, flavor: flavor === 'mysql' ? 'mysql' : 'mariadb', basePort: await findPorts(),
})
const tablets: Tablet[] = []

async function story(): Promise<void> {
  console.log(`The life of a shard, with ${mysqld}\n`)
  tell(`two tablets of ${SHARD} start; each makes itself an empty database, since no backup exists`)
  const first = start(101)
  const second = start(102)
  for (const tablet of [first, second]) tellWhy(await until(tablet, 'waits for a primary', (seen) => seen.type === 'SPARE' && blockedBy(seen, 'no-shard-primary')))

  tell(`tabletctl init-shard-primary ${SHARD} ${first.alias}`)
  await tabletctl('init-shard-primary', SHARD, first.alias)
  await until(first, 'is the healthy primary', (seen) => seen.type === 'PRIMARY' && seen.blockers.length === 0)
  tell(`${first.alias} is PRIMARY and writable`)
  tellWhy(await until(second, 'follows', (seen) => blockedBy(seen, 'no-database')))

  await query(stage, first, SCHEMA)
  tell('an application makes its schema and writes 2,000 orders')
  tell(`${(await until(second, 'is healthy', isHealthyReplica)).alias} is a healthy REPLICA`)

  const backup = await takeBackup(second)
  await query(stage, first, 'insert into commerce.orders (note) values ("written after the backup")')

  tell('a new tablet arrives, with nothing')
  const third = start(103)
  const restored = await until(third, 'has restored the backup and serves', isHealthyReplica)
  tell(`${third.alias} restored ${restored.data.restoredFrom ?? backup}, caught up and is a healthy REPLICA`)
  await untilEqual()
  tell('the table is the same on all three, the order written after the backup included')
}

const SCHEMA = `create database commerce;
create table commerce.orders (id int auto_increment primary key, note varchar(100) not null) engine=InnoDB;
insert into commerce.orders (note) values ("first"), ("second");
${Array.from({ length: 10 }, () => 'insert into commerce.orders (note) select concat("order ", id) from commerce.orders;').join('\n')}
delete from commerce.orders order by id desc limit 48`

function start(uid: number): Tablet {
  const tablet = startTablet(stage, uid)
  tablets.push(tablet)
  return tablet
}

/** Over HTTP, as anybody's script would: ask, get a Location, look there until it has ended. */
async function takeBackup(tablet: Tablet): Promise<string> {
  tell(`POST ${tablet.url}/v1/backups`)
  const headers = { 'authorization': `Bearer ${stage.passwords.token}`, 'content-type': 'application/json' }
  const asked = await fetch(`${tablet.url}/v1/backups`, { method: 'POST', headers, body: '{}' })
  const location = asked.headers.get('location')
  if (asked.status !== 202 || location === null) throw new Error(`the backup was refused with ${asked.status}: ${await asked.text()}`)
  const ended = await wait(`the backup of ${tablet.alias} ends`, async () => {
    const operation = await (await fetch(new URL(location, tablet.url))).json() as Operation
    return operation.state === 'running' ? undefined : operation
  })
  if (ended.state !== 'succeeded') throw new Error(`the backup ${ended.state}: ${ended.error?.code ?? ''} ${ended.error?.message ?? ''}`)
  const outOfService = ended.outOfServiceSeconds === undefined ? '' : `, ${ended.outOfServiceSeconds.toFixed(1)} s out of service`
  tell(`backup ${ended.backup ?? ''} is complete${outOfService}`)
  await until(tablet, 'is back in service after the backup', isHealthyReplica)
  tell(`${tablet.alias} is a healthy REPLICA again`)
  return ended.backup ?? ''
}

async function untilEqual(): Promise<void> {
  await wait('the table is the same on all tablets', async () => {
    const sums = await Promise.all(tablets.map(async (tablet) => JSON.stringify([
      await query(stage, tablet, 'checksum table commerce.orders'), await query(stage, tablet, 'select count(*) from commerce.orders'),
    ])))
    return new Set(sums).size === 1 ? true : undefined
  })
}

const isHealthyReplica = (seen: TabletSnapshot): boolean => seen.type === 'REPLICA' && seen.blockers.length === 0
const blockedBy = (seen: TabletSnapshot, name: string): boolean => seen.blockers.some((blocker) => blocker.name === name)

/** Waits until the tablet's own account of itself is as wanted. */
async function until(tablet: Tablet, what: string, wanted: (seen: TabletSnapshot) => boolean): Promise<TabletSnapshot> {
  return await wait(`${tablet.alias} ${what}`, async () => {
    if (tablet.process.exitCode !== null) throw new Gone(`the daemon of ${tablet.alias} ended with ${tablet.process.exitCode}`)
    const seen = await snapshotOf(tablet)
    if (wanted(seen)) return seen
    throw new Error(`it is ${seen.type}; ${seen.blockers.map((blocker) => blocker.message).join('; ')}`)
  })
}

async function wait<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + PATIENCE_MS
  let last = ''
  while (Date.now() < end) {
    interrupted.signal.throwIfAborted()
    try {
      const seen = await look()
      if (seen !== undefined) return seen
    } catch (error) {
      if (error instanceof Gone) throw error
      last = error instanceof Error ? error.message : String(error)
    }
    await pause(100)
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s in vain: ${what} (${last})`)
}

/** @throws Error with what it said when it fails. */
function tabletctl(...args: readonly string[]): Promise<void> {
  const child = spawn(join(ROOT, 'bin/tabletctl'), args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...ctlSettings() } })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => { said += bytes.toString() })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`tabletctl ${args.join(' ')} ended with ${code}: ${said.trim()}`))
    })
  })
}

const ctlSettings = (): Record<string, string> =>
  ({ TABLETD_TOPO_ROOT: join(stage.dir, 'topology'), TABLETD_API_TOKEN_FILE: join(stage.dir, 'api-token') })

function tell(line: string): void {
  console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`)
}

function tellWhy(seen: TabletSnapshot): void {
  tell(`${seen.alias} is ${seen.type}: ${seen.blockers.map((blocker) => blocker.name).join(', ')}`)
}

/** Until Ctrl-C, with everything one needs to play on. */
async function stayOpen(): Promise<void> {
  const [first, second, third] = tablets.map((tablet) => tablet.alias)
  const client = stage.flavor === 'mysql' ? 'mysql' : 'mariadb'
  console.log(`
Open
${tablets.map((tablet) => `  ${tablet.url}/              ${tablet.alias}: what it is and why`).join('\n')}
  ${tablets[0]?.url}/healthz       what a load balancer asks; also /primary, /replica?lag=5s, /metrics

Try, in another shell
${Object.entries(ctlSettings()).map(([name, value]) => `  export ${name}=${value}`).join('\n')}
  bin/tabletctl list-tablets ${SHARD}
  bin/tabletctl backup ${second}
  bin/tabletctl list-backups ${SHARD}
  bin/tabletctl planned-reparent-shard ${SHARD} ${third}
  bin/tabletctl get-tablet ${first}
  ${client} --defaults-extra-file=${join(tablets[0]?.dir ?? '', 'client.cnf')} -e 'select count(*) from commerce.orders'
  tail -f ${tablets[0]?.logPath}

Ctrl-C stops everything and removes ${stage.dir}`)
  await new Promise<void>((resolve) => {
    const idle = setInterval(() => undefined, 60_000)
    interrupted.signal.addEventListener('abort', () => { clearInterval(idle); resolve() }, { once: true })
  })
}

try {
  await story()
  tell('that is the life of a shard')
  if (mode !== 'once') await stayOpen()
} catch (error) {
  process.exitCode = interrupted.signal.aborted ? 130 : 1
  console.error(`\nThe story ended early: ${error instanceof Error ? error.message : String(error)}`)
  if (!interrupted.signal.aborted) for (const tablet of tablets) console.error(`\n--- end of the log of ${tablet.alias}\n${logTail(tablet)}`)
} finally {
  await endTablets(stage, tablets)
  rmSync(stage.dir, { recursive: true, force: true, maxRetries: 5 })
}
