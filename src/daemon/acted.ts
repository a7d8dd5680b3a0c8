/** What a turn saw of the server, and what an act of it came to. */
import type { Blocker } from '../model/blocker.ts'
import type { ServerFacts } from '../mysqld/mysqld.ts'
import type { ProcessIdentity } from '../mysqld/mysqld-process.ts'

export interface SeenServer {
  readonly server: ServerFacts
  readonly identity: ProcessIdentity
}

export interface Acted {
  readonly blockers: readonly Blocker[]
  readonly sentence: string
  /** Something on the server was changed, so it must be looked at again. */
  readonly changed: boolean
}
