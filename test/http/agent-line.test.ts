import t from 'tap'
import { agentLine, weightOf } from '../../src/http/agent-line.ts'
import { DEFAULT_PROBE_LIMITS } from '../../src/http/answer-probe.ts'
import { BLOCKERS, blocker, type BlockerName } from '../../src/model/blocker.ts'
import type { TabletSnapshot } from '../../src/model/snapshot.ts'
import { snapshot } from './fake-control.ts'

const NOW = 1_000_000_000
const LIMITS = { degradedSeconds: 30, unhealthySeconds: 7230 }
const seen = (changes: Partial<TabletSnapshot> = {}): TabletSnapshot => snapshot({ observedAtMs: NOW, lagLimits: LIMITS, ...changes })
const PRIMARY = seen({ type: 'PRIMARY', state: 'primary', mysqld: { running: true, answers: true, writable: true }, lagSeconds: 0 })
const DRAINED = seen({ type: 'DRAINED', state: 'drained', drained: true, blockers: [blocker('drained')] })
const line = (one: TabletSnapshot | undefined, nowMs = NOW): string =>
  agentLine({ snapshot: one, lastTurnMs: nowMs, loopDelayMs: 0, nowMs, tags: {} }, DEFAULT_PROBE_LIMITS)

const TABLE: readonly (readonly [string, TabletSnapshot | undefined, RegExp])[] = [
  ['a primary', PRIMARY, /^ready up 100%\n$/],
  ['a primary with a blocker for people', { ...PRIMARY, blockers: [blocker('no-database')] }, /^ready up 100%\n$/],
  ['a replica that keeps up', seen(), /^ready up 100%\n$/],
  ['an rdonly that keeps up', seen({ type: 'RDONLY', targetType: 'RDONLY' }), /^ready up 100%\n$/],
  ['a replica that is degraded', seen({ lagSeconds: 1830 }), /^ready up 75%\n$/],
  ['a replica at the last second before unhealthy', seen({ lagSeconds: 7230 }), /^ready up 1%\n$/],
  ['a replica with a blocker', seen({ type: 'SPARE', blockers: [blocker('lag-unknown')] }), /^down #lag-unknown: how far .*; wrong-type: .*\n$/],
  ['a spare without a blocker', seen({ type: 'SPARE', state: 'spare' }), /^down #wrong-type: [^\n]*\n$/],
  ['a replica that ought to be rdonly', seen({ targetType: 'RDONLY' }), /^down #wrong-type: /],
  ['a primary that is not writable', { ...PRIMARY, mysqld: { running: true, answers: true, writable: false } }, /^down #not-writable: /],
  ['a primary whose daemon is stopping', { ...PRIMARY, blockers: [blocker('daemon-stopping')] }, /^down #daemon-stopping: /],
  ['a tablet in backup', seen({ type: 'BACKUP', state: 'backup', mysqld: { running: false, answers: false }, blockers: [blocker('backing-up')] }), /^down #backing-up: /],
  ['a tablet in restore', seen({ type: 'RESTORE', state: 'restore', mysqld: { running: false, answers: false }, blockers: [blocker('restoring')] }), /^down #restoring: /],
  ['a drained tablet', DRAINED, /^drain up 100% #an operator took this tablet out of service\n$/],
  ['a drained tablet whose mysqld is silent', { ...DRAINED, mysqld: { running: true, answers: false } }, /^down #drained: /],
  ['a tablet that nobody has looked at', undefined, /^down #starting: /],
]

for (const [what, one, expected] of TABLE) {
  t.test(`${what} is told as ${expected.source.slice(1)}`, async (t) => { t.match(line(one), expected) })
}

t.test('a snapshot too old to be believed is down, whatever it says', async (t) => {
  for (const one of [PRIMARY, DRAINED, seen()]) t.match(line(one, NOW + 10_001), /^down #snapshot-too-old: /, one.type)
})

t.test('every line is one line of printable ASCII that names state and weight, and ends', async (t) => {
  const hostile = blocker('replication-error', { message: 'a\r\nready up 100%\n#b \u2028 ü \u0000 '.repeat(40) })
  const all = (Object.keys(BLOCKERS) as BlockerName[]).map((name) => seen({ type: 'SPARE', blockers: [blocker(name)] }))
  for (const one of [...TABLE.map(([, each]) => each), ...all, seen({ type: 'SPARE', blockers: [hostile] })]) {
    const text = line(one)
    t.match(text, /^(ready up \d+%|drain up 100% #[\x20-\x22\x24-\x7e]+|down #[\x20-\x22\x24-\x7e]+)\n$/, text)
    t.ok(text.length < 230)
  }
})

const WEIGHTS: readonly (readonly [number | undefined, number])[] =
  [[0, 100], [30, 100], [31, 99], [102, 99], [103, 98], [3630, 50], [7158, 1], [7230, 1], [9999, 1], [undefined, 1]]

for (const [lagSeconds, weight] of WEIGHTS) {
  t.test(`a replica ${lagSeconds ?? 'an unknown number of'} seconds behind weighs ${weight} %`, async (t) => {
    t.equal(weightOf({ type: 'REPLICA', ...lagSeconds === undefined ? {} : { lagSeconds }, lagLimits: LIMITS }), weight)
  })
}

t.test('a weight falls with the lag and never to 0, whatever the thresholds are', async (t) => {
  for (const [degradedSeconds, unhealthySeconds] of [[30, 7230], [0, 1], [30, 30], [60, 30]] as const) {
    const lagLimits = { degradedSeconds, unhealthySeconds }
    const weights = Array.from({ length: 200 }, (_all, i) => weightOf({ type: 'REPLICA', lagSeconds: i * 40, lagLimits }))
    const falls = weights.every((weight, i) => weight >= 1 && weight <= (weights[i - 1] ?? 100) && Number.isInteger(weight))
    t.ok(falls, JSON.stringify(lagLimits))
  }
  t.equal(weightOf({ type: 'PRIMARY', lagSeconds: 99_999, lagLimits: LIMITS }), 100)
})
