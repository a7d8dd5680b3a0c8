/** Promise 7 of design.md, one writable server, in all its cases. */
import t from 'tap'
import {
  decideAuthority, madeAfterTerm, mustAddStart, type Authority, type AuthorityFacts, type RecordRead,
} from '../../src/replication/decide-authority.ts'
import type { ShardRecord } from '../../src/model/records.ts'
import { alias, record } from './builders.ts'

const [ME, OTHER, THIRD] = [alias(102), alias(101), alias(103)]

const FOUND = { made: 'found', newestTermBefore: 0 } as const
const read = (more: Parameters<typeof record>[0] = {}): RecordRead => ({ kind: 'record', record: record(more) })
const NONE: RecordRead = { kind: 'none' }
const UNREADABLE: RecordRead = { kind: 'unreadable', why: 'no such device' }

/** A server that had data when first seen, holds whatever a term starts from, and of which no record was ever read. */
const facts = (more: Partial<AuthorityFacts> = {}): AuthorityFacts => ({
  alias: ME, read: NONE, cached: undefined, data: FOUND, ranOn: false, ranOnAs: undefined, holdsStart: true, ...more,
})

/** The role, whom it follows or what it stays, and the reasons against serving. */
const summary = (authority: Authority): string => [
  authority.role,
  ...(authority.role === 'follow' ? [authority.source] : []),
  ...(authority.role === 'keep' ? [authority.as] : []),
  ...('blockers' in authority ? authority.blockers.map(({ name }) => `[${name}]`) : []),
].join(' ')

const made = (newestTermBefore: number | undefined, how: 'bootstrap' | 'restore' = 'restore'): Partial<AuthorityFacts> =>
  ({ data: { made: how, newestTermBefore } })
const ranOn = (as: 'primary' | 'replica'): Partial<AuthorityFacts> => ({ ranOn: true, ranOnAs: as })
const named = { primary: ME, former: OTHER }

/** A reparent under way: the former primary has not said where its term ended. */
const unended = (more: Parameters<typeof record>[0] = {}): ShardRecord => {
  const { start: _start, ...rest } = record(more)
  return rest
}

const ROWS: readonly (readonly [title: string, facts: Partial<AuthorityFacts>, summary: string])[] = [
  // the record names me
  ['the record names a tablet that had data when first seen: writable', { read: read(named) }, 'primary'],
  ['the record names a tablet restored before the term: writable', { read: read(named), ...made(2) }, 'primary'],
  ['the record names a tablet that started empty, under the first term', { read: read({ primary: ME, term: 1 }), ...made(0, 'bootstrap') }, 'primary'],
  ['the record names a tablet whose data were made in this term: never', { read: read(named), ...made(3) }, 'hold [named-primary-without-data]'],
  ['the record names a tablet whose data were made after this term: never', { read: read(named), ...made(9) }, 'hold [named-primary-without-data]'],
  ['the record names a tablet whose data are of unknown age: never', { read: read(named), ...made(undefined) }, 'hold [named-primary-without-data]'],
  ['the primary that lost its disk and ran on is named still: never', { read: read(named), ...made(3, 'bootstrap'), ...ranOn('primary') },
    'hold [named-primary-without-data]'],
  ['a planned reparent: until the former primary says where it ended, the candidate follows it', { read: { kind: 'record', record: unended(named) } },
    `follow ${OTHER} [term-without-start]`],
  ['a candidate that lacks the start follows the former primary to get it', { read: read(named), holdsStart: false },
    `follow ${OTHER} [named-primary-behind]`],
  ['a candidate that cannot tell whether it holds the start is not writable', { read: read(named), holdsStart: undefined },
    `follow ${OTHER} [named-primary-behind]`],
  ['the former primary named again before it said where it ended waits for itself', { read: { kind: 'record', record: unended({ primary: ME, former: ME }) } },
    'hold [term-without-start]'],
  ['a first primary that lacks the start has nobody to get it from', { read: read({ primary: ME }), holdsStart: false }, 'hold [named-primary-behind]'],

  // the record names another
  ['the record names another: follow it', { read: read() }, `follow ${OTHER}`],
  ['the record names another: a primary that ran on follows too', { read: read(), ...ranOn('primary') }, `follow ${OTHER}`],
  ['the record names another: whatever the data are', { read: read(), ...made(undefined), holdsStart: false }, `follow ${OTHER}`],
  ['the record names another without a start: follow all the same', { read: { kind: 'record', record: unended() } }, `follow ${OTHER}`],
  ['a newer record than the one remembered counts', { read: read({ term: 4, primary: THIRD }), cached: record(named) }, `follow ${THIRD}`],
  ['the record as remembered counts', { read: read(named), cached: record(named) }, 'primary'],

  // no record was ever read
  ['adoption: a server with data and no record is left as found', {}, 'as-found [no-shard-primary]'],
  ['adoption: also when it runs on', { ...ranOn('primary') }, 'as-found [no-shard-primary]'],
  ['adoption while the topology cannot be read: left as found', { read: UNREADABLE }, 'as-found [topology-unreachable]'],
  ['a directory that we made stays read-only without a record', made(0, 'bootstrap'), 'hold [no-shard-primary]'],
  ['a directory that we restored stays read-only without a record', made(undefined), 'hold [no-shard-primary]'],
  ['a directory that we made stays read-only while the topology cannot be read', { read: UNREADABLE, ...made(0, 'bootstrap') }, 'hold [topology-unreachable]'],

  // a record was read once, and is not to be had now
  ['topology unreadable: a primary that ran on stays', { read: UNREADABLE, cached: record(named), ...ranOn('primary') }, 'keep primary'],
  ['topology unreadable: a replica that ran on stays', { read: UNREADABLE, cached: record(), ...ranOn('replica') }, 'keep replica'],
  ['record lost: a primary that ran on stays', { cached: record(named), ...ranOn('primary') }, 'keep primary'],
  ['record lost: a replica that ran on stays', { cached: record(), ...ranOn('replica') }, 'keep replica'],
  ['topology unreadable: the remembered primary that had to be started waits read-only', { read: UNREADABLE, cached: record(named) },
    'hold [topology-unreachable]'],
  ['record lost: the remembered primary that had to be started waits read-only', { cached: record(named) }, 'hold [shard-record-lost]'],
  ['topology unreadable: a replica that had to be started resumes from the remembered source', { read: UNREADABLE, cached: record() }, `follow ${OTHER}`],
  ['record lost: a replica that had to be started resumes from the remembered source', { cached: record() }, `follow ${OTHER}`],
  ['a demotion that was read and not done when the topology went is done', { read: UNREADABLE, cached: record(), ...ranOn('primary') }, `follow ${OTHER}`],
  ['a demotion that was read and not done when the record went is done', { cached: record(), ...ranOn('primary') }, `follow ${OTHER}`],

  // an older record than one already seen is no information
  ['an older record names me: a replica that ran on stays one', { read: read({ ...named, term: 2 }), cached: record(), ...ranOn('replica') }, 'keep replica'],
  ['an older record names me: one that had to be started follows the newer term', { read: read({ ...named, term: 2 }), cached: record() }, `follow ${OTHER}`],
  ['an older record names another: a primary that ran on stays', { read: read({ term: 2 }), cached: record(named), ...ranOn('primary') }, 'keep primary'],
  ['an older record names another: a remembered primary that had to be started waits', { read: read({ term: 2 }), cached: record(named) },
    'hold [shard-record-lost]'],
]

for (const [title, given, expected] of ROWS) {
  t.test(title, (t) => {
    t.equal(summary(decideAuthority(facts(given))), expected)
    t.end()
  })
}

t.test('an older record is told with both terms and the way out', (t) => {
  const authority = decideAuthority(facts({ read: read({ term: 2 }), cached: record(named) }))
  t.match('blockers' in authority && authority.blockers, [{ message: /term 2, older than term 3 .*init-shard-primary --force/ }])
  t.match(decideAuthority(facts({ read: UNREADABLE })), { blockers: [{ message: /no such device/ }] })
  t.end()
})

/** Every combination of what can be seen. */
function* everyCase(): Generator<AuthorityFacts> {
  const records = [1, 2, 3, 4].flatMap((term) => [ME, OTHER].flatMap((primary) => [undefined, ME, OTHER].flatMap((former) =>
    [unended, record].map((make) => make({ primary, term, ...(former === undefined ? {} : { former }) })))))
  const reads: readonly RecordRead[] = [NONE, UNREADABLE, ...records.map((one): RecordRead => ({ kind: 'record', record: one }))]
  const caches = [undefined, record({ primary: ME, term: 2 }), record({ primary: OTHER, term: 2 })]
  const data: readonly AuthorityFacts['data'][] = [FOUND, ...([undefined, 0, 2, 3] as const).flatMap((newestTermBefore) =>
    (['bootstrap', 'restore'] as const).map((how) => ({ made: how, newestTermBefore })))]
  for (const one of reads) for (const cached of caches) for (const each of data) for (const as of [undefined, 'primary', 'replica'] as const) {
    for (const holdsStart of [undefined, false, true]) {
      yield { alias: ME, read: one, cached, data: each, ranOn: as !== undefined, ranOnAs: as, holdsStart }
    }
  }
}

t.test('in every combination of facts the promises hold', (t) => {
  const broken = { A1: 0, A2: 0, A3: 0, follow: 0 }
  let cases = 0
  let primaries = 0
  for (const one of everyCase()) {
    cases++
    const decided = decideAuthority(one)
    const current = one.read.kind === 'record' && one.read.record.term >= (one.cached?.term ?? 0) ? one.read.record : undefined
    const mayWrite = current?.primary === ME && current.start !== undefined && one.holdsStart === true
      && !madeAfterTerm(one.data, current.term)
    if (decided.role === 'primary') primaries++
    if ((decided.role === 'primary') !== mayWrite) broken.A1++
    const deposed = one.ranOnAs === 'primary' && one.cached?.primary !== ME
    const stays = current === undefined && one.cached !== undefined && one.ranOn && !deposed
    if (stays !== (decided.role === 'keep' && decided.as === one.ranOnAs)) broken.A2++
    if (current === undefined && one.cached === undefined && one.data.made === 'found' && decided.role !== 'as-found') broken.A3++
    if (decided.role === 'follow' && decided.source === ME) broken.follow++
  }
  t.ok(cases > 10_000 && primaries > 100)
  t.same(broken, { A1: 0, A2: 0, A3: 0, follow: 0 })
  t.end()
})

t.test('data that we made are older than a term only when a term before it was the newest seen', (t) => {
  const rows: readonly (readonly [AuthorityFacts['data'], number, boolean])[] = [
    [FOUND, 1, false], [{ made: 'found', newestTermBefore: undefined }, 1, false],
    [{ made: 'bootstrap', newestTermBefore: 0 }, 1, false], [{ made: 'bootstrap', newestTermBefore: 1 }, 1, true],
    [{ made: 'restore', newestTermBefore: 4 }, 5, false], [{ made: 'restore', newestTermBefore: 5 }, 5, true],
    [{ made: 'restore', newestTermBefore: 6 }, 5, true], [{ made: 'restore', newestTermBefore: undefined }, 5, true],
  ]
  for (const [data, term, expected] of rows) t.equal(madeAfterTerm(data, term), expected, `${JSON.stringify(data)} under term ${term}`)
  t.end()
})

t.test('only the former primary of a term without a start adds it, and only with the data of the term before', (t) => {
  const ended = unended({ primary: OTHER, former: ME })
  const rows: readonly (readonly [string, AuthorityFacts['data'], ReturnType<typeof record>, boolean])[] = [
    ['the former primary', FOUND, ended, true],
    ['the former primary, named again', FOUND, unended({ primary: ME, former: ME }), true],
    ['the former primary with restored data of a term before', { made: 'restore', newestTermBefore: 1 }, ended, true],
    ['the former primary whose data were made in its own term', { made: 'restore', newestTermBefore: 2 }, ended, false],
    ['the former primary whose data were made since', { made: 'bootstrap', newestTermBefore: 3 }, ended, false],
    ['the former primary whose data are of unknown age', { made: 'restore', newestTermBefore: undefined }, ended, false],
    ['one that was not the former primary', FOUND, unended({ primary: ME, former: OTHER }), false],
    ['a term that has its start', FOUND, record({ primary: OTHER, former: ME }), false],
  ]
  for (const [title, data, one, expected] of rows) t.equal(mustAddStart(ME, one, data), expected, title)
  t.end()
})
