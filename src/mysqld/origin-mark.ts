/**
 * `.tabletd.json` in a data directory: how it came to be, and what has become of it since.
 *
 * A directory that we made becomes PRIMARY only under a newer term than it had seen before; DRAINED recorded here
 * survives the loss of the tablet directory. A file that cannot be understood is doubt, never the absence of one.
 */
import { join } from 'node:path'
import { readIfPresent, writeJsonDurably } from '../base/durable-file.ts'
import { messageOf } from '../base/errors.ts'

export interface OriginMark {
  readonly made: 'bootstrap' | 'restore' | 'found'
  /** RFC 3339. */
  readonly since: string
  /** Restored from it. */
  readonly backup?: string
  /** The position that the restore gave it. */
  readonly position?: string
  /** The newest term seen before it was made; absent: the topology could not be read then, so the first term read afterwards. */
  readonly newestTermBefore?: number
  readonly everAttached?: boolean
  readonly everPromoted?: boolean
  readonly drained?: boolean
  /** server_id of this server: a number that no server of another data directory wrote under. */
  readonly serverId?: number
  /** Not yet let in to clients: until its first healthy verdict or its promotion. */
  readonly closed?: boolean
}

export type OriginMarkFound =
  | { readonly kind: 'none' }
  | { readonly kind: 'mark', readonly mark: OriginMark }
  | { readonly kind: 'unreadable', readonly reason: string }

export const originMarkPath = (dataDir: string): string => join(dataDir, '.tabletd.json')

export async function readOriginMark(dataDir: string): Promise<OriginMarkFound> {
  try {
    const text = await readIfPresent(originMarkPath(dataDir))
    return text === undefined ? { kind: 'none' } : parseOriginMark(text)
  } catch (error) {
    return { kind: 'unreadable', reason: messageOf(error) }
  }
}

export async function writeOriginMark(dataDir: string, mark: OriginMark): Promise<void> {
  await writeJsonDurably(originMarkPath(dataDir), mark)
}

/** Unknown fields are left out: a newer version's mark is still a mark. */
export function parseOriginMark(text: string): OriginMarkFound {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { kind: 'unreadable', reason: messageOf(error) }
  }
  if (typeof value !== 'object' || value === null) return { kind: 'unreadable', reason: 'it is not an object' }
  const fields = value as Readonly<Record<string, unknown>>
  const { made, since } = fields
  if ((made !== 'bootstrap' && made !== 'restore' && made !== 'found') || typeof since !== 'string') {
    return { kind: 'unreadable', reason: 'it does not say how the directory was made' }
  }
  const [term, serverId] = [fields['newestTermBefore'], fields['serverId']]
  if (!isCountOrAbsent(term)) return { kind: 'unreadable', reason: 'its term is not a number' }
  if (!isCountOrAbsent(serverId)) return { kind: 'unreadable', reason: 'its server_id is not a number' }
  return {
    kind: 'mark',
    mark: {
      made, since,
      ...textField(fields, 'backup'), ...textField(fields, 'position'),
      ...(term === undefined ? {} : { newestTermBefore: term }), ...(serverId === undefined ? {} : { serverId }),
      ...flagField(fields, 'everAttached'), ...flagField(fields, 'everPromoted'), ...flagField(fields, 'drained'),
      ...flagField(fields, 'closed'),
    },
  }
}

const isCountOrAbsent = (value: unknown): value is number | undefined =>
  value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0)

const textField = <N extends string>(fields: Readonly<Record<string, unknown>>, name: N): { readonly [K in N]?: string } =>
  (typeof fields[name] === 'string' ? { [name]: fields[name] } : {}) as { readonly [K in N]?: string }

const flagField = <N extends string>(fields: Readonly<Record<string, unknown>>, name: N): { readonly [K in N]?: true } =>
  (fields[name] === true ? { [name]: true } : {}) as { readonly [K in N]?: true }
