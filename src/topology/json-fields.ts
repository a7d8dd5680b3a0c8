/** Reads fields of untrusted JSON. Every failure is TOPOLOGY_CORRUPT with the place and the field. */
import { TabletError } from '../base/errors.ts'

export interface Fields {
  readonly text: (name: string) => string
  /** A whole number from 0 to 2^53 - 1. */
  readonly count: (name: string) => number
  readonly optionalText: (name: string) => string | undefined
  readonly optionalCount: (name: string) => number | undefined
  readonly optionalTrue: (name: string) => true | undefined
  readonly texts: (name: string) => Readonly<Record<string, string>>
  readonly fields: (name: string) => Fields
}

/** No record of ours comes near; a larger file is somebody else's. */
export const MAX_RECORD_BYTES = 256 * 1024

export const corrupt = (place: string, why: string, cause?: unknown): TabletError =>
  new TabletError('TOPOLOGY_CORRUPT', `cannot read ${place}: ${why}`, { cause, details: { place } })

export function parseFields(text: string, place: string): Fields {
  if (text.length > MAX_RECORD_BYTES) throw corrupt(place, `it is longer than ${MAX_RECORD_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw corrupt(place, 'it is not JSON', error)
  }
  return fieldsOf(value, place)
}

function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(place, 'it is not an object')
  const values = new Map<string, unknown>(Object.entries(value))
  const must = <T>(name: string, what: string, test: (found: unknown) => found is T): T => {
    const found = values.get(name)
    if (!test(found)) throw corrupt(place, `${name} must be ${what}`)
    return found
  }
  const absent = (name: string): boolean => values.get(name) === undefined || values.get(name) === null
  const text = (name: string): string => must(name, 'a text', isText)
  const count = (name: string): number => must(name, 'a whole number', isCount)
  return {
    text,
    count,
    optionalText: (name) => absent(name) ? undefined : text(name),
    optionalCount: (name) => absent(name) ? undefined : count(name),
    optionalTrue: (name) => must(name, 'true or false', isOptionalBoolean) === true ? true : undefined,
    texts: (name) => must(name, 'an object of texts', isTexts),
    fields: (name) => fieldsOf(values.get(name), `${place} (${name})`),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isOptionalBoolean = (value: unknown): value is boolean | undefined => value === undefined || typeof value === 'boolean'
const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
