/** After a daemon was killed in the middle of a backup: the next one is started, and everything that a backup touches is looked at. */
import type { Test } from 'tap'
import type { Operation } from '../../src/model/operation.ts'
import { listBackups, post } from './backups.ts'
import type { LogLine } from './daemon-log.ts'
import { killAtStep } from './kill-at-step.ts'
import type { TestTablet } from './tablet.ts'

/** After mysqld answers: how long the tablet may take to be back in its type. */
const BACK_MS = 30_000
/** How often the daemon may be faster than the kill. */
const SLIPS = 6

/** Backs up upgrade-safe, which lowers innodb_fast_shutdown, kills the daemon at `step`, and has the next one give the tablet back. */
export async function killAndGiveBack(t: Test, tablet: TestTablet, step: string): Promise<void> {
  const wasFast = await tablet.value('select @@global.innodb_fast_shutdown')
  t.equal(wasFast, 1)
  let at = ''
  for (let tries = 0; tries < SLIPS && at !== step; tries++) {
    const asked = await post(tablet, '/v1/backups', { upgradeSafe: true })
    t.equal(asked.status, 202)
    at = await killAtStep(tablet, step)
    await isGivenBack(t, tablet, asked.body as Operation, at)
    t.equal(await tablet.value('select @@global.innodb_fast_shutdown'), wasFast, 'innodb_fast_shutdown is as it was')
  }
  t.equal(at, step, 'the kill hit the step')
}

/** Starts the daemon again, and looks at all that a backup touches. */
export async function isGivenBack(t: Test, replica: TestTablet, { id }: Operation, at: string): Promise<void> {
  await replica.startDaemon()
  const seen = await replica.becomes('REPLICA', { healthy: true, deadlineMs: 120_000 })
  t.ok(msFromMysqldToService(replica) < BACK_MS, 'back in its type within 30 s')
  t.match(seen.replication, { io: 'running', sql: 'running' })
  t.equal(await replica.value('select @@global.read_only'), 1)
  const operation = (await replica.http('GET', `/v1/operations/${id}`)).body
  t.match(operation, { state: 'failed', error: { code: 'OPERATION_INTERRUPTED' }, progress: { step: at } }, 'the operation is told as interrupted')

  const mayBeComplete = ['writing MANIFEST', 'reading MANIFEST back', 'starting', 'attaching'].includes(at)
  const backups = await replica.waitFor('the unfinished backup is removed', async () => {
    const listed = await listBackups(replica)
    return listed.every(({ status }) => status === 'complete') ? listed : undefined
  })
  const begunMs = Math.floor(Date.parse((operation as Operation).startedAt) / 1000) * 1000   // a MANIFEST's times are whole seconds
  const made = backups.filter(({ finishedTime }) => Date.parse(finishedTime ?? '') >= begunMs)
  if (!mayBeComplete) t.same(made, [], 'nothing of it is listed')
  if (mayBeComplete && at !== 'writing MANIFEST') t.equal(made.length, 1, 'it was complete, and stays')
}

/** From the moment mysqld was there (started, or found running) to the tablet serving, as the daemon's log has it. */
function msFromMysqldToService(tablet: TestTablet): number {
  const lines = tablet.log()
  const timeOf = (line: LogLine | undefined): number => Date.parse(String(line?.['time']))
  const serving = lines.find((line) => line['event'] === 'healthy')
  const there = lines.find(({ msg }) => msg === 'mysqld started') ?? lines[0]
  return timeOf(serving) - timeOf(there)
}
