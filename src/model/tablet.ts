/** The vocabulary of tablets: types, aliases, keyspaces and shards (Vitess's names and grammar). */
import { TabletError } from '../base/errors.ts'

/** What is published; Vitess's names. */
export const TABLET_TYPES = ['PRIMARY', 'REPLICA', 'RDONLY', 'SPARE', 'BACKUP', 'RESTORE', 'DRAINED'] as const
export type TabletType = (typeof TABLET_TYPES)[number]

/** What a healthy tablet is when it is not the primary (`init-tablet-type`). */
export type TargetType = 'REPLICA' | 'RDONLY'

/** `<cell>-<uid>`, uid an unsigned 32-bit number padded to 10 digits: `zone1-0000000101`. */
export type TabletAlias = string & { readonly __brand?: 'TabletAlias' }

export interface ShardName {
  readonly keyspace: string
  readonly shard: string
}

const ALIAS = /^([-_.a-zA-Z0-9]+)-([0-9]+)$/

/**
 * The canonical alias.
 *
 * @throws TabletError BAD_REQUEST when `text` is not `<cell>-<uid>` with a uid of 32 bits.
 */
export function parseAlias(text: string): TabletAlias {
  const [, cell, uid] = ALIAS.exec(text) ?? []
  if (cell === undefined || uid === undefined || Number(uid) > 0xffff_ffff) {
    throw new TabletError('BAD_REQUEST', `cannot read tablet alias "${text}": it must be <cell>-<uid>, as zone1-0000000101`)
  }
  return `${cell}-${uid.replace(/^0+(?=\d)/, '').padStart(10, '0')}`
}

export function uidOf(alias: TabletAlias): number {
  return Number(ALIAS.exec(alias)?.[2] ?? 0)
}

const NAME = /^[A-Za-z0-9_][-A-Za-z0-9_]*$/
const SHARD = /^[-A-Za-z0-9_]+$/

/**
 * Reads `<keyspace>/<shard>`, as `commerce/0` or `customer/-80`.
 *
 * @throws TabletError BAD_REQUEST for anything that would not be one directory each in a backup storage.
 */
export function parseShardName(text: string): ShardName {
  const [keyspace = '', shard = '', ...more] = text.split('/')
  if (more.length > 0 || !isKeyspaceName(keyspace) || !isShardPart(shard)) {
    throw new TabletError('BAD_REQUEST', `cannot read shard "${text}": it must be <keyspace>/<shard>, as commerce/0`)
  }
  return { keyspace, shard }
}

export const isKeyspaceName = (text: string): boolean => NAME.test(text)
export const isShardPart = (text: string): boolean => SHARD.test(text)
export const formatShardName = (name: ShardName): string => `${name.keyspace}/${name.shard}`
