import t from 'tap'
import { blocker } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { TABLET_TYPES } from '../../src/model/tablet.ts'
import { answerMalformed, answerProbe } from '../../src/http/answer-probe.ts'
import { CHECKS } from '../../src/http/checks.ts'
import { PROBES, probeTarget, type ProbePath } from '../../src/http/probe-paths.ts'
import { readProbeQuery } from '../../src/http/probe-query.ts'
import { snapshot } from './fake-control.ts'

const NOW = 1_000_000_000
const LIMITS = { maxSnapshotAgeMs: 10_000, maxTurnAgeMs: 60_000, maxLoopDelayMs: 5_000 }
const TAGS = { dc: 'eu-1', batch: '' }
const PATHS = Object.keys(PROBES) as ProbePath[]

const seen = (changes: Partial<TabletSnapshot> = {}): TabletSnapshot => snapshot({ observedAtMs: NOW, ...changes })
const PRIMARY = seen({ type: 'PRIMARY', state: 'primary', mysqld: { running: true, answers: true, writable: true }, lagSeconds: 0 })
const facts = (one: TabletSnapshot | undefined, nowMs = NOW) => ({ snapshot: one, lastTurnMs: nowMs, loopDelayMs: 0, nowMs, tags: TAGS })
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

const TAG_TABLE: readonly (readonly [string, 200 | 503, string])[] = [
  ['tag_dc=eu-1', 200, ''], ['tag_dc=eu%2D1', 200, ''], ['tag_dc=eu-2', 503, 'wrong-tag'], ['tag_dc', 503, 'wrong-tag'], ['tag_rack=7', 503, 'wrong-tag'],
  ['tag_batch=', 200, ''], ['tag_dc=eu-1&tag_rack=7', 503, 'wrong-tag'], ['tag_dc=eu-1&tag_dc=eu-1', 503, 'bad-query'], ['tag_=eu-1', 503, 'bad-query'],
  ['tag_constructor=x', 503, 'wrong-tag'], ['tag_dc=eu-1&lag=0', 200, ''], ['Tag_dc=eu-1', 503, 'bad-query'],
]

for (const [query, status, name] of TAG_TABLE) {
  t.test(`/replica?${query} on a tablet with the tag dc:eu-1 is ${status}${name === '' ? '' : `, ${name}`}`, async (t) => {
    const { status: got, body } = ask('/replica', seen(), query)
    t.equal(got, status)
    t.same(names(body), name === '' ? [] : [name])
  })
}

t.test('a tag binds the primary too: it says where a tablet is', async (t) => {
  t.equal(ask('/primary', PRIMARY, 'tag_dc=eu-1').status, 200)
  t.equal(ask('/primary', PRIMARY, 'tag_dc=eu-2').status, 503)
})

t.test('verbose lists every check, and changes the status of none', async (t) => {
  const one = seen({ type: 'SPARE', state: 'spare', blockers: [blocker('replication-connecting'), blocker('lag-unknown')] })
  for (const path of PATHS) t.equal(ask(path, one, 'verbose').status, ask(path, one).status, path)
  const checks = (ask('/replica', one, 'verbose').body)['checks'] as Readonly<Record<string, { readonly ok: boolean, readonly blockers: readonly string[] }>>
  t.same(Object.keys(checks), Object.keys(CHECKS))
  t.same(Object.entries(checks).filter(([, { ok }]) => !ok).map(([check, { blockers }]) => [check, blockers]),
    [['type', ['wrong-type']], ['replication', ['replication-connecting']], ['lag', ['replication-connecting', 'lag-unknown']]])
  t.notOk('checks' in ask('/replica', one).body, 'only when asked for')
})

const CHECK_TABLE: readonly (readonly [string, TabletSnapshot | undefined, string, 200 | 503])[] = [
  ['lag', seen({ type: 'SPARE', blockers: [blocker('lag-too-high')] }), '', 503],
  ['replication', seen({ type: 'SPARE', blockers: [blocker('lag-too-high')] }), '', 200],
  ['type', seen({ type: 'SPARE', blockers: [blocker('lag-too-high')] }), '', 503],
  ['lag', seen({ lagSeconds: 3 }), 'lag=2s', 503],
  ['mysqld', seen({ lagSeconds: 3 }), 'lag=2s', 200],
  ['mysqld', seen({ lagSeconds: 3 }), 'lag=soon', 503],
  ['mysqld', seen({ observedAtMs: NOW - 60_000 }), '', 503],
  ['lag', undefined, '', 503],
  ['read-only', { ...PRIMARY, mysqld: { running: true, answers: true, writable: false } }, '', 503],
  ['data', { ...PRIMARY, blockers: [blocker('no-database')] }, '', 200],
  ...(['data', 'replication', 'lag', 'read-only'] as const).flatMap((check) =>
    (['mysqld-down', 'mysqld-silent', 'operation-failed', 'restoring', 'backing-up', 'waiting-for-backup'] as const)
      .map((name) => [check, seen({ type: 'SPARE', blockers: [blocker(name)] }), '', 503] as const)),
  ['topology', seen({ type: 'SPARE', blockers: [blocker('mysqld-down')] }), '', 200],
  ...(['replication-not-running', 'replication-connecting', 'replication-error', 'replication-stopped-by-operator'] as const)
    .map((name) => ['lag', seen({ type: 'SPARE', blockers: [blocker(name)] }), '', 503] as const),
  ['data', seen({ type: 'SPARE', blockers: [blocker('replication-error')] }), '', 200],
  ['lags', seen(), '', 503],
  ['', seen(), '', 503],
  ['constructor', seen(), '', 503],
]

for (const [check, one, query, status] of CHECK_TABLE) {
  t.test(`/readyz/${check}?${query} of ${one === undefined ? 'a tablet nobody has looked at' : `a ${one.type} with ${one.blockers.map(({ name }) => name).join() || 'no blocker'}`} is ${status}`, async (t) => {
    const answer = answerProbe({ path: '/readyz', query, check }, facts(one), LIMITS)
    t.equal(answer.status, status)
    t.equal(answer.body['probe'], `/readyz/${check}`)
  })
}

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
  ['GET', '/readyz/lag', '/readyz'], ['OPTIONS', '/readyz/no-such?x', '/readyz'], ['GET', '/readyz/', '/readyz'], ['GET', '/livez/lag', 'other'], ['GET', '/replica#x', '/replica'], ['OPTIONS', 'http://any.example', '/readyz'],
]

for (const [method, target, expected] of TARGETS) {
  t.test(`${method} ${target} asks ${expected}`, async (t) => {
    const read = probeTarget(method, target)
    t.equal(read.kind === 'probe' ? read.path : read.kind, expected)
  })
}
