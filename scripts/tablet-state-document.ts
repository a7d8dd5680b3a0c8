/** The generated parts of docs/tablet-state.md: states, events, transitions, blockers. The rest of that page is written by hand. */
import { BLOCKERS } from '../src/model/blocker.ts'
import { TABLET_EVENTS, TABLET_STATES, TABLET_STATE_TABLE, type TabletEvent } from '../src/model/tablet-state.ts'

const TABLES: Readonly<Record<string, () => readonly string[]>> = { diagram, states, events, transitions, blockers }

/** `page` with what stands between `<!-- table: x -->` and `<!-- end -->` made anew. @throws Error for a missing or unknown mark. */
export function withTables(page: string): string {
  const seen = new Set<string>()
  const text = page.replaceAll(/(<!-- table: ([a-z]+) -->\n)[\s\S]*?(<!-- end -->)/g, (_whole, begin: string, name: string, end: string) => {
    const table = TABLES[name]
    if (table === undefined) throw new Error(`docs/tablet-state.md asks for a table "${name}" that nobody makes`)
    seen.add(name)
    return `${begin}${table().join('\n')}\n${end}`
  })
  const missing = Object.keys(TABLES).filter((name) => !seen.has(name))
  if (missing.length > 0) throw new Error(`docs/tablet-state.md has no place for the tables ${missing.join(', ')}`)
  return text
}

interface Transition { readonly from: string, readonly event: TabletEvent, readonly to: string }

function allTransitions(): readonly Transition[] {
  return TABLET_STATES.flatMap((from) =>
    Object.entries(TABLET_STATE_TABLE[from].on).map(([event, to]) => ({ from, event: event as TabletEvent, to })))
}

/** Targets that depend on the memory, as the states they may be. */
function statesOf(to: string): readonly string[] {
  if (to === 'drained-if-recorded') return ['drained', 'spare']
  return to === 'before-restore' ? ['spare', 'serving', 'drained'] : [to]
}

function diagram(): readonly string[] {
  const arrows = new Map<string, string[]>()
  for (const { from, event, to } of allTransitions()) {
    for (const target of statesOf(to)) {
      const arrow = `${from} --> ${target}`
      arrows.set(arrow, [...arrows.get(arrow) ?? [], event])
    }
  }
  return ['```mermaid', 'stateDiagram-v2', '  [*] --> starting', ...[...arrows].map(([arrow, why]) => `  ${arrow}: ${why.join(', ')}`), '```']
}

function states(): readonly string[] {
  const rows = TABLET_STATES.map((state) => {
    const { publishes, serves } = TABLET_STATE_TABLE[state]
    return `| \`${state}\` | ${publishes === 'target' ? 'REPLICA or RDONLY (`init-tablet-type`)' : publishes} | ${serves} |`
  })
  return ['| state | publishes | serves |', '|---|---|---|', ...rows]
}

function events(): readonly string[] {
  return ['| event | meaning |', '|---|---|', ...Object.entries(TABLET_EVENTS).map(([event, meaning]) => `| \`${event}\` | ${meaning} |`)]
}

function transitions(): readonly string[] {
  const words: Readonly<Record<string, string>> = {
    'drained-if-recorded': '`drained` if that is recorded, else `spare`', 'before-restore': 'the state the restore began from',
  }
  return ['| from | event | to |', '|---|---|---|',
    ...allTransitions().map(({ from, event, to }) => `| \`${from}\` | \`${event}\` | ${words[to] ?? `\`${to}\``} |`)]
}

function blockers(): readonly string[] {
  return ['| blocker | meaning |', '|---|---|', ...Object.entries(BLOCKERS).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)]
}
