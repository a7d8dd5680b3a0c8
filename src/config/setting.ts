/**
 * One row of the table of settings: what values it takes, its default, and the sentence that documents it.
 *
 * Owns      the kinds of values; each reads the same text whether it came from a flag, the environment or the file.
 * Leaves    the rows to settings/*.ts, names and spellings to names.ts, precedence to load.ts.
 * Promises  a schema never throws: it yields the value, or an issue whose message continues "<name>: ".
 */
import { resolve } from 'node:path'
import * as z from 'zod/mini'
import { formatDuration, parseDuration } from '../base/duration.ts'
import { messageOf } from '../base/errors.ts'

/** A default for settings that have none: the daemon does not start without them. */
export const REQUIRED = Symbol('required')

/** A default that derive.ts works out from other settings or the machine; the text says how. */
export interface Derived { readonly derived: string }
export const derived = (how: string): Derived => ({ derived: how })

type Absent = undefined | typeof REQUIRED | Derived
type Resolved<T, D> = D extends undefined ? T | undefined : T

/** What every row says, whatever its kind. */
export interface Row<D> {
  readonly default: D
  /** One sentence, with the unit. */
  readonly doc: string
  /** The name and the meaning are Vitess's. */
  readonly vitess?: true
  /** Other names of the same setting. */
  readonly aliases?: readonly string[]
  /** Why this default, where it is a number or differs from Vitess's. */
  readonly reason?: string
}

export interface Setting<T> extends Row<unknown> {
  /** As shown in help and documents: `<duration>`. */
  readonly placeholder: string
  /** True: the bare flag means true. */
  readonly bare: boolean
  /** True: a list in the file is a value, and a repeated flag adds to it. */
  readonly many: boolean
  /** True: an empty text means the default. */
  readonly emptyMeansDefault: boolean
  /** True: the value names a file that holds a secret. */
  readonly secret: boolean
  readonly schema: z.ZodMiniType<T>
  /** A value as one would write it. */
  readonly show: (value: unknown) => string
}

export type AnySetting = Setting<unknown>
export type ValueOf<S> = S extends Setting<infer T> ? T : never

const SHOWN_AT_MOST = 60
const quoted = (text: string): string =>
  JSON.stringify(text.length > SHOWN_AT_MOST ? `${text.slice(0, SHOWN_AT_MOST)}…` : text)

/** A schema over text: `read` gives undefined for what is not `expected`, or throws what is wrong in words of its own. */
function reading<T>(expected: string, read: (text: string) => T | undefined): z.ZodMiniType<T> {
  return z.pipe(z.string(`a list is not ${expected}`), z.transform((text: string, context): T => {
    let wrong = `${quoted(text)} is not ${expected}`
    try {
      const value = read(text.trim())
      if (value !== undefined) return value
    } catch (error) {
      wrong = messageOf(error)
    }
    context.issues.push({ code: 'custom', input: text, message: wrong })
    return z.NEVER
  }))
}

interface Kind<T> {
  readonly placeholder: string
  readonly schema: z.ZodMiniType<T>
  readonly show?: (value: never) => string
  readonly bare?: boolean
  readonly many?: boolean
  readonly emptyMeansDefault?: boolean
  readonly secret?: boolean
}

function setting<T, D>(row: Row<D>, kind: Kind<T>): Setting<Resolved<T, D>> {
  return {
    ...row,
    placeholder: kind.placeholder,
    bare: kind.bare ?? false,
    many: kind.many ?? false,
    emptyMeansDefault: kind.emptyMeansDefault ?? true,
    secret: kind.secret ?? false,
    schema: kind.schema as z.ZodMiniType<Resolved<T, D>>,
    show: (value) => value === undefined ? 'unset' : (kind.show as ((value: unknown) => string) | undefined)?.(value) ?? String(value),
  }
}

/** Free text; `matches` with `what` narrows it, as "a schema name". */
export function text<const D extends string | Absent>(
  row: Row<D> & { readonly what?: string, readonly matches?: RegExp | ((text: string) => boolean) },
): Setting<Resolved<string, D>> {
  const { what = 'text', matches = /^[^\0\r\n]+$/ } = row
  const fits = typeof matches === 'function' ? matches : (value: string): boolean => matches.test(value)
  return setting<string, D>(row, { placeholder: '<text>', schema: reading(what, (value) => fits(value) ? value : undefined) })
}

/** Text that is brought to one canonical form; `read` throws what is wrong. */
export function canonical<const D extends string | Absent>(
  row: Row<D> & { readonly placeholder: string, readonly read: (text: string) => string },
): Setting<Resolved<string, D>> {
  return setting<string, D>(row, { placeholder: row.placeholder, schema: reading('text', row.read) })
}

const TRUE = new Set(['true', 't', '1', 'yes', 'on'])
const FALSE = new Set(['false', 'f', '0', 'no', 'off'])

/** What counts as true and false, as Go's flags have it, plus yes, no, on and off. */
export function readBoolean(value: string): boolean | undefined {
  const word = value.toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined
}

export function boolean<const D extends boolean | Absent>(row: Row<D>): Setting<Resolved<boolean, D>> {
  return setting<boolean, D>(row, {
    placeholder: '', bare: true, emptyMeansDefault: false, schema: reading('true or false', readBoolean),
  })
}

export function integer<const D extends number | Absent>(
  row: Row<D> & { readonly min: number, readonly max: number },
): Setting<Resolved<number, D>> {
  const { min, max } = row
  const schema = reading(`a whole number from ${min} to ${max}`, (value) => {
    const number = /^[+-]?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    return number >= min && number <= max ? number : undefined
  })
  return setting<number, D>(row, { placeholder: '<number>', emptyMeansDefault: false, schema })
}

/** Milliseconds. Both bounds belong to the range. */
export function duration<const D extends number | Absent>(
  row: Row<D> & { readonly min?: number, readonly max?: number },
): Setting<Resolved<number, D>> {
  const { min = 0, max = 366 * 86_400_000 } = row
  const schema = reading('a duration such as 30s, 2h or 1m30s', (value) => {
    const ms = parseDuration(value)
    if (ms === undefined || (ms >= min && ms <= max)) return ms
    throw new Error(`${quoted(value)} is not between ${formatDuration(min)} and ${formatDuration(max)}`)
  })
  return setting<number, D>(row, { placeholder: '<duration>', emptyMeansDefault: false, schema, show: formatDuration })
}

interface Choices<V> {
  readonly values: V
  /** Words that Vitess or the design has and this version has not: named as such when asked for. */
  readonly later?: readonly string[]
}

/** One of a few words, in any case. */
export function choice<const V extends readonly string[], const D extends V[number] | Absent>(
  row: Row<D> & Choices<V>,
): Setting<Resolved<V[number], D>> {
  const { values, later = [] } = row
  const schema = reading(`one of ${values.join(', ')}`, (value): V[number] | undefined => {
    const word = value.toLowerCase()
    if (later.includes(word)) throw new Error(`${quoted(value)} is not part of this version, which has ${values.join(', ')}`)
    return values.find((one) => one === word)
  })
  return setting<V[number], D>(row, { placeholder: values.join('|'), schema })
}

/** Words separated by commas; in the file also a list. */
export function list(row: Row<readonly string[]>): Setting<readonly string[]> {
  const split = (value: string): readonly string[] => value.split(',').map((word) => word.trim()).filter((word) => word !== '')
  const schema = z.pipe(
    z.union([z.string(), z.array(z.string())], { error: 'is not words with commas between them, nor a list of words' }),
    z.transform((value: string | string[]) => Object.freeze((typeof value === 'string' ? [value] : value).flatMap(split))),
  )
  return setting(row, { placeholder: '<word,…>', schema, many: true, show: (value: readonly string[]) => value.join(',') || 'none' })
}

/** `key:value` pairs separated by commas, as Vitess writes tags; in the file also a list of them. */
export function pairs(row: Row<Readonly<Record<string, string>>>): Setting<Readonly<Record<string, string>>> {
  const schema = z.pipe(list({ default: [], doc: '' }).schema, z.transform((words: readonly string[], context) => {
    const wrong = words.filter((word) => !/^[^:]+:./.test(word))
    if (wrong.length > 0) {
      context.issues.push({ code: 'custom', input: wrong, message: `${wrong.map(quoted).join(', ')} is not key:value` })
    }
    return Object.freeze(Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf(':')), word.slice(word.indexOf(':') + 1)])))
  }))
  return setting(row, {
    placeholder: '<key:value,…>', many: true, schema,
    show: (value: Readonly<Record<string, string>>) => Object.entries(value).map(([k, v]) => `${k}:${v}`).join(',') || 'none',
  })
}

const absolute = (value: string): string | undefined => value.includes('\0') ? undefined : resolve(value)

/** An absolute path; a relative one is taken from the directory in which the program was started. */
export function path<const D extends string | Absent>(row: Row<D>): Setting<Resolved<string, D>> {
  return setting<string, D>(row, { placeholder: '<path>', schema: reading('a path', absolute) })
}

/** The path of a file that holds a secret; load.ts checks the file, the secret itself never becomes a setting. */
export function secretFile<const D extends string | Absent>(row: Row<D>): Setting<Resolved<string, D>> {
  return setting<string, D>(row, { placeholder: '<file>', secret: true, schema: reading('a path', absolute) })
}
