/** A server_id for data that are about to be made. */
import { randomInt } from 'node:crypto'
import type { Parts } from './parts.ts'

/** Below what JSON, a signed integer and every tool of operators can hold. */
const LIMIT = 2 ** 31

/**
 * The setting's, else a number that no tablet of the shard has.
 *
 * Never derived from the alias: a receiver drops every transaction that carries its own server_id, so a tablet made again
 * under the number it wrote under before would replicate without its own former transactions, and without an error
 * (tried on MySQL 9.7 and MariaDB 10.11).
 */
export function newServerId({ config, view }: Pick<Parts, 'config' | 'view'>): number {
  if (config['server-id'] !== undefined) return config['server-id']
  const taken = new Set(view.tablets.map(({ record }) => record.serverId))
  for (;;) {
    const id = randomInt(1, LIMIT)
    if (!taken.has(id)) return id
  }
}
