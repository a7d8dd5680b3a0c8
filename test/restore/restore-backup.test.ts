/** The order of a restore: nothing is touched before everything was checked, and the sentinels frame what is. */
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { ErrorCode } from '../../src/base/error-catalogue.ts'
import { restoreBackup, type ChosenBackup, type RestoreTools } from '../../src/restore/restore-backup.ts'
import { NAME, manifestWith } from '../engine/builtin-rig.ts'
import { directoriesIn } from '../engine/fake-server.ts'

const ESTIMATE = { files: 3, bytes: 100, fullBytes: 100, storedBytes: 40 }

/** A restore of which every call is told in `steps`; `at` is called with each of them first, and may throw. */
async function run(at: (step: string) => void = () => undefined, signal = new AbortController().signal) {
  const steps: string[] = []
  const call = (step: string) => (): Promise<void> => {
    steps.push(step)
    at(step)
    return Promise.resolve()
  }
  const tools: RestoreTools = {
    to: directoriesIn('/srv'),
    checkSpace: call('check space'), stopMysqld: call('stop mysqld'), writeSentinels: call('write sentinels'), makeRoom: call('make room'),
    proveInPrivate: call('prove'), writeOriginMark: call('mark origin'), removeSentinels: call('remove sentinels'),
  }
  const chosen: ChosenBackup = {
    from: { shard: { keyspace: 'commerce', shard: '0' }, name: NAME } as ChosenBackup['from'],
    manifest: manifestWith({ Position: 'MySQL56/' }),
    engine: {
      name: 'builtin',
      verify: async () => { await call('verify')(); return ESTIMATE },
      executeRestore: async ({ to, concurrency }) => {
        t.same([to, concurrency], [directoriesIn('/srv'), 2])
        await call('copy')()
      },
    },
  }
  const onStep = async (step: string): Promise<void> => { await call(`[${step}]`)() }
  const request = { concurrency: 2, onStep, onProgress: () => undefined }
  const failed = await restoreBackup(chosen, tools, request, { signal, log: silentLogger() })
    .then(() => undefined, (error: unknown) => error as TabletError)
  return { steps, failed }
}

const ORDER = [
  '[checking every object]', 'verify', 'check space', '[stopping mysqld]', 'stop mysqld', 'write sentinels', '[sentinel written]',
  '[moving aside]', 'make room', '[copying]', 'copy', '[first boot]', 'prove', '[removing the sentinel]', 'mark origin', 'remove sentinels',
]

t.test('a restore goes through its steps in order, each announced before it is done', async (t) => {
  const { steps, failed } = await run()
  t.equal(failed, undefined)
  t.same(steps, ORDER)
})

t.test('a failure at any step ends it there, with its code and the name of the backup', async (t) => {
  for (const [index, step] of ORDER.entries()) {
    const { steps, failed } = await run((now) => { if (now === step) throw new TabletError('BACKUP_CORRUPT', 'its hash differs') })
    t.match(failed, { code: 'BACKUP_CORRUPT', message: `cannot restore backup ${NAME}: its hash differs` }, step)
    t.same(steps, ORDER.slice(0, index + 1), step)
  }
})

t.test('what fails before the sentinels has stopped at most mysqld; what fails after leaves them in place', async (t) => {
  const changes = ['write sentinels', 'make room', 'copy', 'prove', 'mark origin', 'remove sentinels']
  for (const step of ORDER) {
    const { steps } = await run((now) => { if (now === step) throw new TabletError('NO_SPACE', 'full') })
    const changed = steps.filter((each) => changes.includes(each))
    t.ok(changed.length === 0 || changed[0] === 'write sentinels', `after ${step}: the sentinels first`)
    t.equal(changed.includes('remove sentinels'), step === 'remove sentinels', `after ${step}: their removal last`)
  }
})

t.test('an object that is missing or room that is lacking is found before mysqld is stopped', async (t) => {
  for (const [step, code] of [['verify', 'BACKUP_CORRUPT'], ['check space', 'NO_SPACE']] as readonly (readonly [string, ErrorCode])[]) {
    const { steps, failed } = await run((now) => { if (now === step) throw new TabletError(code, 'no') })
    t.match(failed, { code })
    t.notOk(steps.includes('stop mysqld'))
  }
})

t.test('a cancel while mysqld stops is heeded before anything is written', async (t) => {
  const stop = new AbortController()
  const { steps, failed } = await run((now) => { if (now === 'stop mysqld') stop.abort(new TabletError('OPERATION_CANCELLED', 'by hand')) }, stop.signal)
  t.match(failed, { code: 'OPERATION_CANCELLED' })
  t.equal(steps.at(-1), 'stop mysqld')
})
