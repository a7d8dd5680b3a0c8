import { pino } from 'pino'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import type { ErrorCode } from '../../src/base/error-catalogue.ts'
import { TabletError } from '../../src/base/errors.ts'
import { inTwoPasses, retryMayHelp } from '../../src/engine/two-passes.ts'

const contextOf = (signal: AbortSignal): ActionContext => ({ signal, log: pino({ level: 'silent' }) })
const ctx = contextOf(new AbortController().signal)

const MAY_PASS: readonly ErrorCode[] = [
  'CHECKSUM_MISMATCH', 'BACKUP_CORRUPT', 'BACKUP_NOT_PROVEN', 'FILE_CHANGED', 'STORAGE_FAILED', 'LOCAL_IO_FAILED',
]
const HOPELESS: readonly ErrorCode[] = [
  'STORAGE_UNREACHABLE', 'STORAGE_DENIED', 'STORAGE_NO_SPACE', 'STORAGE_NOT_CONFIGURED', 'NO_SPACE', 'PATH_ESCAPES', 'COMPRESSION_UNSUPPORTED',
  'BACKUP_UNSUPPORTED', 'MANIFEST_INVALID',
]

t.test('which failures a second attempt may mend', (t) => {
  for (const code of MAY_PASS) t.ok(retryMayHelp(new TabletError(code, 'x')), code)
  for (const code of HOPELESS) t.notOk(retryMayHelp(new TabletError(code, 'x')), code)
  t.ok(retryMayHelp(new Error('unknown')), 'what has no code is tried again')
  t.end()
})

type Fails = Readonly<Record<string, ErrorCode>>

/** The attempts as `<item>/<attempt>`, in order; `fails` says with what each one fails. */
async function attemptsOf(fails: Fails): Promise<{ readonly attempts: readonly string[], readonly error: unknown }> {
  const attempts: string[] = []
  const error: unknown = await inTwoPasses([0, 1, 2, 3, 4], {
    limit: 1,
    work: async (item, attempt) => {
      attempts.push(`${item}/${attempt}`)
      const code = fails[`${item}/${attempt}`]
      await Promise.resolve()
      if (code !== undefined) throw new TabletError(code, `${item} failed`)
    },
  }, ctx).then(() => undefined, (reason: unknown) => reason)
  return { attempts, error }
}

t.test('what failed is tried once more when all others were, and its second failure ends the whole', async (t) => {
  const rows: readonly (readonly [fails: Fails, attempts: string, code: ErrorCode | undefined])[] = [
    [{}, '0/1 1/1 2/1 3/1 4/1', undefined],
    [{ '1/1': 'CHECKSUM_MISMATCH', '3/1': 'STORAGE_FAILED' }, '0/1 1/1 2/1 3/1 4/1 1/2 3/2', undefined],
    [{ '0/1': 'STORAGE_FAILED', '2/1': 'STORAGE_FAILED', '0/2': 'STORAGE_FAILED' }, '0/1 1/1 2/1 3/1 4/1 0/2', 'STORAGE_FAILED'],
    [{ '2/1': 'STORAGE_UNREACHABLE' }, '0/1 1/1 2/1', 'STORAGE_UNREACHABLE'],
    [{ '0/1': 'BACKUP_CORRUPT', '1/1': 'NO_SPACE' }, '0/1 1/1', 'NO_SPACE'],
    [{ '0/1': 'FILE_CHANGED', '4/1': 'FILE_CHANGED', '0/2': 'STORAGE_UNREACHABLE' }, '0/1 1/1 2/1 3/1 4/1 0/2', 'STORAGE_UNREACHABLE'],
  ]
  for (const [fails, attempts, code] of rows) {
    const found = await attemptsOf(fails)
    t.equal(found.attempts.join(' '), attempts, JSON.stringify(fails))
    t.equal((found.error as TabletError | undefined)?.code, code)
  }
})

t.test('a storage that is gone is asked for no other file, however many run at once', async (t) => {
  const begun: number[] = []
  const gone = inTwoPasses(Array.from({ length: 100 }, (_, item) => item), {
    limit: 4,
    work: async (item, _attempt, { signal }) => {
      begun.push(item)
      if (item === 3) throw new TabletError('STORAGE_UNREACHABLE', 'gone')
      await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error) }) })
    },
  }, ctx)
  await t.rejects(gone, { code: 'STORAGE_UNREACHABLE' })
  t.same(begun, [0, 1, 2, 3])
})

t.test('an abort ends the first pass and begins no second', async (t) => {
  const stop = new AbortController()
  const attempts: string[] = []
  const running = inTwoPasses([1, 2, 3], {
    limit: 1,
    work: async (item, attempt) => {
      attempts.push(`${item}/${attempt}`)
      await Promise.resolve()
      if (item === 2) stop.abort(new TabletError('OPERATION_CANCELLED', 'enough'))
      throw new TabletError('STORAGE_FAILED', 'x')
    },
  }, contextOf(stop.signal))
  await t.rejects(running, { code: 'OPERATION_CANCELLED' })
  t.same(attempts, ['1/1', '2/1'])
})
