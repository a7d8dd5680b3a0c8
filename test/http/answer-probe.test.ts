import t from 'tap'
import { blocker } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { TABLET_TYPES } from '../../src/model/tablet.ts'
import { answerMalformed, answerProbe, readProbeQuery } from '../../src/http/answer-probe.ts'
import { PROBES, probeTarget, type ProbePath } from '../../src/http/probe-paths.ts'
import { snapshot } from './fake-control.ts'

const NOW = 1_000_000_000
const LIMITS = { maxSnapshotAgeMs: 10_000, maxTurnAgeMs: 60_000, maxLoopDelayMs: 5_000 }
const PATHS = Object.keys(PROBES) as ProbePath[]

const seen = (changes: Partial<TabletSnapshot> = {}): TabletSnapshot => snapshot({ observedAtMs: NOW, ...changes })
const PRIMARY = seen({ type: 'PRIMARY', state: 'primary', mysqld: { running: true, answers: true, writable: true }, lagSeconds: 0 })
const facts = (one: TabletSnapshot | undefined, nowMs = NOW) => ({ snapshot: one, lastTurnMs: nowMs, loopDelayMs: 0, nowMs })
const ask = (path: ProbePath, one: TabletSnapshot | undefined, query = '') => answerProbe({ path, query }, facts(one), LIMITS)
const names = (body: Readonly<Record<string, unknown>>) => (body['blockers'] as readonly { readonly name: string }[]).map(({ name }) => name)
const yes = (one: TabletSnapshot) => PATHS.filter((path) => path !== '/livez' && ask(path, one).status === 200).sort()

const TYPE_TABLE: readonly (readonly [string, TabletSnapshot, readonly string[]])[] = [
  ['a primary that answers and is writable', PRIMARY, ['/debug/health', '/healthz', '/primary', '/read-only', '/read-write', '/readyz']],
  ['a primary with a blocker for people', { ...PRIMARY, blockers: [blocker('no-database')] }, ['/debug/health', '/healthz', '/primary', '/read-only', '/read-write', '/readyz']],
  ['a primary whose daemon is stopping', { ...PRIMARY, blockers: [blocker('daemon-stopping')] }, ['/debug/health']],
  ['a primary that is not writable', { ...PRIMARY, mysqld: { running: true, answers: true, writable: false } }, ['/debug/health']],
  ['a primary of which nobody knows whether it is writable', { ...PRIMARY, mysqld: { running: true, answers: true } }, ['/debug/health']],
  ['a primary whose mysqld is silent', { ...PRIMARY, mysqld: { running: true, answers: false, writable: true } }, []],
  ['a healthy replica', seen(), ['/debug/health', '/healthz', '/read-only', '/readyz', '/replica']],
  ['a replica with a blocker', seen({ blockers: [blocker('lag-too-high')] }), ['/debug/health']],
  ['a replica whose mysqld is silent though no blocker says so', seen({ mysqld: { running: true, answers: false } }), []],
  ['a healthy rdonly', seen({ type: 'RDONLY', targetType: 'RDONLY' }), ['/debug/health', '/healthz', '/rdonly', '/readyz']],
  ['a replica that ought to be rdonly', seen({ targetType: 'RDONLY' }), ['/debug/health', '/read-only', '/replica']],
  ['a spare with replication', seen({ type: 'SPARE', state: 'spare', blockers: [blocker('lag-unknown')] }), ['/debug/health', '/spare']],
  ['a spare without a blocker', seen({ type: 'SPARE', state: 'spare' }), ['/debug/health', '/spare']],
  ['a tablet in backup', seen({ type: 'BACKUP', state: 'backup', mysqld: { running: false, answers: false }, blockers: [blocker('backing-up')] }), ['/backup']],
  ['a tablet in restore', seen({ type: 'RESTORE', state: 'restore', mysqld: { running: false, answers: false }, blockers: [blocker('restoring')] }), ['/restore']],
  ['a drained tablet', seen({ type: 'DRAINED', state: 'drained', drained: true, blockers: [blocker('drained')] }), ['/debug/health', '/drained']],
]

for (const [what, one, paths] of TYPE_TABLE) {
  t.test(`${what} answers 200 on ${paths.length === 0 ? 'nothing' : paths.join(' ')}`, async (t) => { t.same(yes(one), paths) })
}

t.test('debug/health needs a channel, except on a primary', async (t) => {
  const { replication: _none, ...without } = seen({ type: 'SPARE' })
  t.equal(ask('/debug/health', without).status, 503)
  const { replication: _neither, ...primary } = PRIMARY
  t.equal(ask('/debug/health', primary).status, 200)
})

t.test('before the first snapshot every probe but livez is 503 with the blocker starting', async (t) => {
  for (const path of PATHS) {
    const { status, body } = ask(path, undefined)
    t.equal(status, path === '/livez' ? 200 : 503, path)
    if (path !== '/livez') t.same(names(body), ['starting'])
  }
})

t.test('a snapshot older than the limit is unhealthy for every type and probe', async (t) => {
  for (const type of TABLET_TYPES) {
    for (const path of PATHS) {
      if (path === '/livez') continue
      const one = { ...PRIMARY, type }
      const { status, body } = answerProbe({ path, query: '' }, facts(one, NOW + 10_001), LIMITS)
      t.equal(status, 503, `${type} ${path}`)
      t.ok(names(body).includes('snapshot-too-old'))
    }
  }
  t.equal(answerProbe({ path: '/primary', query: '' }, facts(PRIMARY, NOW + 10_000), LIMITS).status, 200, 'exactly at the limit')
  t.equal(answerProbe({ path: '/primary', query: '' }, facts(PRIMARY, NOW - 3_600_000), LIMITS).status, 503, 'the clock was set back')
})

const LAG_TABLE: readonly (readonly [string, number | undefined, 200 | 503])[] = [
  ['lag=30s', 30, 200], ['lag=30s', 31, 503], ['lag=30s', undefined, 503], ['lag=0', 0, 200], ['lag=0', 1, 503], ['lag=1m30s', 90, 200],
  ['lag=30%73', 30, 200], ['lag=30', 0, 503], ['lag=', 0, 503], ['lag=abc', 0, 503], ['lag=-1s', 0, 503], ['lag=30s&lag=1h', 0, 503],
  ['lag=%zz', 0, 503], ['Lag=30s', 0, 503], ['max_lag=30s', 0, 503], ['verbose', 0, 200], ['verbose&lag=5s', 4, 200], ['', 5, 200],
  ['lag[]=30s', 0, 503], ['lag=1e9s', 0, 503], ['lag=99999999999999999999999999h', 0, 200],
]

for (const [query, lagSeconds, status] of LAG_TABLE) {
  t.test(`/replica?${query} on a replica ${lagSeconds ?? 'an unknown number of'} seconds behind is ${status}`, async (t) => {
    const { lagSeconds: _any, ...unknown } = seen()
    const one = lagSeconds === undefined ? unknown : seen({ lagSeconds })
    t.equal(ask('/replica', one, query).status, status)
    t.equal(ask('/readyz', one, query).status, status)
  })
}

t.test('the limit of lag does not bind the primary, but a broken one is refused there too', async (t) => {
  const { lagSeconds: _any, ...primary } = PRIMARY
  t.equal(ask('/primary', primary, 'lag=0').status, 200)
  t.equal(ask('/primary', primary, 'lag=soon').status, 503)
  t.match(readProbeQuery('lag=soon'), { problem: /soon/ })
})

t.test('livez looks at the two loops and at nothing else', async (t) => {
  const livez = (changes: object, query = '') => answerProbe({ path: '/livez', query }, { ...facts(undefined), ...changes }, LIMITS).status
  t.equal(livez({}), 200)
  t.equal(livez({}, 'lag=nonsense&&&=%zz'), 200, 'a broken query must not kill a container')
  t.equal(livez({ lastTurnMs: NOW - 60_001 }), 503)
  t.equal(livez({ loopDelayMs: 5_001 }), 503)
})

t.test('a 503 names every reason, a 200 tells who answered', async (t) => {
  const one = seen({ type: 'SPARE', blockers: [blocker('replication-error', { code: 'REPLICATION_BROKEN', nextTry: '2026-01-01T00:00:00Z' }), blocker('lag-unknown')] })
  const { body } = ask('/replica', one, 'lag=x')
  t.same(names(body), ['replication-error', 'lag-unknown', 'wrong-type', 'bad-query'])
  t.match(body, { ok: false, type: 'SPARE', state: 'serving', sentence: one.sentence, blockers: [{ code: 'REPLICATION_BROKEN', nextTry: '2026-01-01T00:00:00Z' }] })
  t.match(ask('/replica', seen()).body, { ok: true, alias: 'zone1-0000000101', keyspace: 'commerce', lagSeconds: 0, blockers: [] })
  t.match(answerMalformed(undefined), { status: 503 })
})

const TARGETS: readonly (readonly [string, string, string])[] = [
  ['GET', '/replica', '/replica'], ['HEAD', '/replica?lag=1s', '/replica'], ['OPTIONS', '/primary', '/primary'], ['OPTIONS', '/', '/readyz'],
  ['OPTIONS', '*', '/readyz'], ['GET', 'http://any.example/livez?x', '/livez'], ['GET', 'HTTP://any.example/livez', '/livez'],
  ['GET', '/%72eplica', '/replica'], ['GET', '/%zz', 'malformed'], ['GET', '/replica%', 'malformed'], ['GET', '/', 'other'], ['POST', '/replica', 'other'],
  ['GET', '/xxreplicaxx', 'other'], ['GET', '/replica/', 'other'], ['GET', '/constructor', 'other'], ['GET', '/__proto__', 'other'],
  ['GET', '/replica#x', '/replica'], ['OPTIONS', 'http://any.example', '/readyz'],
]

for (const [method, target, expected] of TARGETS) {
  t.test(`${method} ${target} asks ${expected}`, async (t) => {
    const read = probeTarget(method, target)
    t.equal(read.kind === 'probe' ? read.path : read.kind, expected)
  })
}
