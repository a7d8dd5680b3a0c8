/** What a source of settings yields: texts with where they came from, and what is wrong with the rest. */
import { didYouMean, meaningOf } from './names.ts'
import { readBoolean } from './setting.ts'
import type { SettingName } from './settings.ts'

export interface Given {
  readonly name: SettingName
  readonly raw: string | readonly string[]
  /** `--port`, `TABLETD_PORT`, `tabletd.yaml:3`. */
  readonly where: string
}

export interface Problem {
  readonly where: string
  readonly what: string
  readonly hint?: string
}

/** Filled by one source while it is read. */
export interface Findings {
  readonly given: Given[]
  readonly problems: Problem[]
  /** Vitess flags without a part in tabletd, as the operator spelled them. */
  readonly ignored: string[]
}

export const noFindings = (): Findings => ({ given: [], problems: [], ignored: [] })

export interface Entry {
  /** The name without dashes in front or the prefix of the environment. */
  readonly spelling: string
  readonly raw: string | readonly string[]
  readonly where: string
}

/** Puts one name with its value where it belongs. Values of names that are no settings are never repeated: they may be secrets. */
export function take(entry: Entry, into: Findings): void {
  const { raw, where } = entry
  const meaning = meaningOf(entry.spelling)
  switch (meaning.kind) {
    case 'setting':
      into.given.push({ name: meaning.name, raw, where })
      return
    case 'vitess': {
      const { refused } = meaning.flag
      if (refused === undefined) into.ignored.push(where)
      else if (isSet(raw)) into.problems.push({ where, what: 'is a flag of Vitess that tabletd must not ignore', hint: refused })
      return
    }
    case 'secret':
      into.problems.push({ where, what: 'secrets are taken from files only', hint: meaning.instead === undefined
        ? 'remove it; command lines and environments are visible to others'
        : `put it into a file of mode 0600 and name the file with --${meaning.instead}` })
      return
    case 'unknown':
      into.problems.push({ where, what: 'is not a setting', hint: didYouMean(meaning.suggestion) })
  }
}

const isSet = (raw: string | readonly string[]): boolean => typeof raw !== 'string' || (raw !== '' && readBoolean(raw) !== false)
