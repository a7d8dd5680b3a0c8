/**
 * JSON that somebody else wrote, read the way Go's decoder reads it: names of fields in any case, unknown ones
 * ignored, null as the zero value, bytes after the first value ignored. Nothing is parsed before its size, depth and
 * number of values are known to be bearable.
 *
 * Every problem is a TabletError MANIFEST_INVALID that names the field.
 */
import { TabletError } from '../base/errors.ts'

export interface JsonLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  /** Items of arrays and fields of objects, all together. */
  readonly maxValues: number
}

/** The fields of one object by their names in lower case, with where it stands in the document. */
export interface Fields {
  readonly at: string
  readonly values: ReadonlyMap<string, unknown>
}

/** The object that `bytes` begin with. */
export function readHostileJson(bytes: Uint8Array, limits: JsonLimits): Fields {
  if (bytes.length > limits.maxBytes) throw invalid(`it has ${bytes.length} bytes, more than ${limits.maxBytes}`)
  const text = decodeUtf8(bytes.subarray(0, endOfObject(bytes, limits)))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new TabletError('MANIFEST_INVALID', `cannot read MANIFEST: it is not JSON: ${String(error).slice(0, 200)}`, { cause: error })
  }
  return fieldsOf(value, '')
}

export const invalid = (why: string): TabletError => new TabletError('MANIFEST_INVALID', `cannot read MANIFEST: ${why}`)

const QUOTE = 0x22, COMMA = 0x2c, OPEN_LIST = 0x5b, BACKSLASH = 0x5c, CLOSE_LIST = 0x5d, OPEN = 0x7b, CLOSE = 0x7d
const BLANKS: readonly number[] = [0x20, 0x09, 0x0a, 0x0d]

/** Where the first object ends, in bytes. Counts brackets only; JSON.parse judges the rest. */
function endOfObject(bytes: Uint8Array, limits: JsonLimits): number {
  let at = bytes.findIndex((byte) => !BLANKS.includes(byte))
  if (at < 0) throw invalid('it is empty')
  if (bytes[at] !== OPEN) throw invalid('it does not begin with an object')
  let depth = 0
  let values = 1
  for (; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = endOfString(bytes, at)
    } else if (byte === COMMA) {
      if (++values > limits.maxValues) throw invalid(`it has more than ${limits.maxValues} values`)
    } else if (byte === OPEN || byte === OPEN_LIST) {
      if (++depth > limits.maxDepth) throw invalid(`it is nested deeper than ${limits.maxDepth}`)
    } else if (byte === CLOSE || byte === CLOSE_LIST) {
      if (--depth === 0) return at + 1
    }
  }
  throw invalid('it ends in the middle')
}

function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++
    else if (bytes[at] === QUOTE) return at
  }
  throw invalid('it ends in the middle')
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new TabletError('MANIFEST_INVALID', 'cannot read MANIFEST: it is not UTF-8', { cause: error })
  }
}

/** `value` as an object. One that spells a field twice, in two cases, is refused: two readers would understand it differently. */
export function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(at, 'an object', value)
  const values = new Map<string, unknown>()
  for (const [name, item] of Object.entries(value)) {
    const folded = name.toLowerCase()
    if (values.has(folded)) throw invalid(`${pathTo({ at, values }, name)} stands there twice`)
    values.set(folded, item)
  }
  return { at, values }
}

// beside tab and line breaks: they would act on the terminal of whoever lists backups
 
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** A string; '' when absent or null. */
export function textOf(fields: Fields, name: string): string {
  const value = valueOf(fields, name) ?? ''
  if (typeof value !== 'string') throw wrongType(pathTo(fields, name), 'a string', value)
  if (CONTROL.test(value)) throw invalid(`${pathTo(fields, name)} holds control characters`)
  return value
}

/** true or false; false when absent or null. */
export function flagOf(fields: Fields, name: string): boolean {
  const value = valueOf(fields, name) ?? false
  if (typeof value !== 'boolean') throw wrongType(pathTo(fields, name), 'true or false', value)
  return value
}

/** A whole number from 0 to `max`; undefined when absent or null. */
export function countOf(fields: Fields, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = valueOf(fields, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw wrongType(pathTo(fields, name), `a whole number from 0 to ${max}`, value)
  }
  return value
}

/** An array; undefined when absent or null. */
export function listOf(fields: Fields, name: string): readonly unknown[] | undefined {
  const value = valueOf(fields, name)
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw wrongType(pathTo(fields, name), 'an array', value)
  return value as readonly unknown[]
}

/** An object; undefined when absent or null. */
export function objectOf(fields: Fields, name: string): Fields | undefined {
  const value = valueOf(fields, name)
  return value === undefined ? undefined : fieldsOf(value, pathTo(fields, name))
}

/** The raw value; undefined when absent or null. */
export const valueOf = (fields: Fields, name: string): unknown => fields.values.get(name.toLowerCase()) ?? undefined

export const pathTo = (fields: Fields, name: string): string => fields.at === '' ? name : `${fields.at}.${name}`

function wrongType(at: string, wanted: string, value: unknown): TabletError {
  const shown = JSON.stringify(value) ?? 'undefined'
  return invalid(`${at === '' ? 'it' : at} is ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}, must be ${wanted}`)
}
