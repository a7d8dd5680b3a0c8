/** An application of the shard: its schema, its account, and the way it finds the primary, which is the probe of load balancers. */
import mysql from 'mysql2/promise'
import type { TestShard } from './shard.ts'
import type { TestTablet } from './tablet.ts'
import { waitFor } from './wait-for.ts'
import { startWriter } from './writer.ts'
import type { Writer } from './writer.ts'

export const APP = { user: 'app', password: 'app-password', schema: 'commerce' }

/** Makes schema and account on the primary; replicas get them by replication. */
export async function makeApp(primary: TestTablet): Promise<void> {
  await primary.rows(`create database ${APP.schema}; create user '${APP.user}'@'localhost' identified by '${APP.password}';
    grant all on ${APP.schema}.* to '${APP.user}'@'localhost'`)
}

/** Once every daemon has a server: names the first tablet, makes the application's schema, and waits until all serve. */
export async function beginToServe(shard: TestShard, deadlineMs = 120_000): Promise<void> {
  await Promise.all(shard.tablets.map((tablet) => tablet.becomes('SPARE', { deadlineMs })))
  const [primary, ...others] = shard.tablets
  if (primary === undefined) return
  await shard.initPrimary(primary)
  await makeApp(primary)
  await primary.becomes('PRIMARY', { healthy: true, deadlineMs })
  await Promise.all(others.map((tablet) => tablet.waitFor(`${tablet.alias} serves`, () => tablet.isHealthy(), deadlineMs)))
}

/** From number 1 on, in a new table. */
export async function writeNumbers(shard: TestShard, everyMs = 3): Promise<Writer> {
  await (await primaryOf(shard)).rows(`drop table if exists ${APP.schema}.numbered`)
  return await startWriter({ schema: APP.schema, everyMs, primary: () => whereToWrite(shard) })
}

async function whereToWrite(shard: TestShard): Promise<mysql.ConnectionOptions | undefined> {
  const answers = await Promise.all(shard.tablets.map((tablet) =>
    tablet.http('GET', '/primary', { timeoutMs: 1000 }).then(({ status }) => status === 200, () => false)))
  const primary = shard.tablets[answers.indexOf(true)]
  return primary && { socketPath: primary.place.socket, user: APP.user, password: APP.password }
}

/** Which of `numbers` are missing on the tablet. */
export async function missingOn(tablet: TestTablet, numbers: readonly number[]): Promise<readonly number[]> {
  const rows = await tablet.rows(`select number from ${APP.schema}.numbered`)
  const there = new Set(rows.map((row) => Number(row['number'])))
  return numbers.filter((number) => !there.has(number))
}

/** Waits until every tablet holds every acknowledged number; fails naming what is missing where. */
export async function holdsAll(tablets: readonly TestTablet[], writer: Writer): Promise<void> {
  for (const tablet of tablets) {
    await tablet.waitFor(`${tablet.alias} holds every acknowledged row`, async () => {
      const missing = await missingOn(tablet, writer.acknowledged)
      if (missing.length > 0) throw new Error(`${missing.length} are missing: ${missing.slice(0, 10).join(', ')}`)
      return true
    })
  }
}

export async function primaryOf(shard: TestShard, deadlineMs = 120_000): Promise<TestTablet> {
  return await waitFor('one tablet is the primary', async () => {
    const types = await Promise.all(shard.tablets.map((tablet) => tablet.snapshot().then(({ type }) => type, () => undefined)))
    return shard.tablets[types.indexOf('PRIMARY')]
  }, { deadlineMs })
}

/** A tablet that is fit to take over from `primary`. */
export async function healthyReplica(shard: TestShard, primary: TestTablet, deadlineMs = 120_000): Promise<TestTablet> {
  const candidate = shard.tablets.find((tablet) => tablet !== primary)
  if (candidate === undefined) throw new Error('the shard has no other tablet')
  await candidate.becomes('REPLICA', { healthy: true, deadlineMs })
  return candidate
}

/** Keeps the applier of a replica from the writer's table, as a long query of a client does, once rows wait for it. */
export async function holdTable(tablet: TestTablet, writer: Writer): Promise<{ release(): Promise<void> }> {
  const connection = await mysql.createConnection({ socketPath: tablet.place.socket, user: APP.user, password: APP.password })
  connection.on('error', () => undefined)   // whoever ends it has released the table
  await waitFor('the table is there', async () => await connection.query(`lock tables ${APP.schema}.numbered read`))
  const upTo = writer.acknowledged.length + 50
  await waitFor('rows are acknowledged that it cannot apply', () => writer.acknowledged.length > upTo, { deadlineMs: 120_000 })
  return { release: async () => { await connection.end().catch(() => undefined) } }
}
