/**
 * Sets of transactions. A position is a GTID set with the name of its flavour: `MySQL56/uuid:1-5`, `MariaDB/0-1-8`.
 *
 * Two implementations: mysql-gtid-set.ts and mariadb-gtid-set.ts. Sets of different flavours never compare:
 * every binary operation throws TabletError INTERNAL then.
 */
export type Flavor = 'mysql' | 'mariadb'

export interface GtidSet {
  readonly flavor: Flavor
  /** Canonical text, without the flavour: Vitess's order and spelling (reference: vitess-backup.md 2.7). */
  toString(): string
  isEmpty(): boolean
  /** Whether every transaction of `other` is in this set. MariaDB: per domain, the sequence number is at least as high. */
  contains(other: GtidSet): boolean
  union(other: GtidSet): GtidSet
  /** Transactions of this set that `other` lacks. MariaDB: the domains in which this set is ahead. */
  subtract(other: GtidSet): GtidSet
  equals(other: GtidSet): boolean
}
