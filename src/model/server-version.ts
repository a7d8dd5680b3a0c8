/** Versions of servers as data: parsed from `@@version` texts and from MANIFESTs. Parsing and compatibility: version-rules.ts. */
export type ServerProduct = 'MySQL' | 'Percona' | 'MariaDB'

export interface ServerVersion {
  readonly product: ServerProduct
  readonly major: number
  readonly minor: number
  readonly patch: number
}
