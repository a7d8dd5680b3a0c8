/** Words that every file speaking SQL shares. */
import type { MysqlAddress } from '../model/records.ts'

/** One row; column names as the statement gave them. */
export type Row = Readonly<Record<string, string | null>>

export interface Statement {
  readonly text: string
  /** Texts that no error message may repeat. */
  readonly secrets?: readonly string[]
}

export type SslMode = 'disabled' | 'preferred' | 'required'

export type Target =
  | { readonly kind: 'socket', readonly path: string }
  /** TLS encrypts, it does not identify: servers make their own certificates. */
  | { readonly kind: 'tcp', readonly address: MysqlAddress, readonly ssl: SslMode }

export interface Credentials {
  readonly user: string
  readonly password: string
}
