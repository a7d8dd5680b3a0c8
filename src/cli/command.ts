/** What a command of tabletctl is: plain data and one function; commander only sees it in tabletctl-program.ts. */
import type { ActionContext } from '../base/action.ts'
import type { Session } from './session.ts'

export interface CommandOption {
  /** Long name without dashes: `allow-primary`. */
  readonly name: string
  /** Placeholder of its value, `<n>`; a switch has none. */
  readonly value?: string
  readonly short?: string
  readonly doc: string
  /** Other spellings, Vitess's older ones among them. */
  readonly aliases?: readonly string[]
}

export interface CtlCommand {
  readonly name: string
  /** Vitess's spellings. */
  readonly aliases: readonly string[]
  /** As help shows them: `<alias>`, `[new-primary]`. */
  readonly args: readonly string[]
  readonly summary: string
  readonly options: readonly CommandOption[]
  run(input: CommandInput, session: Session, ctx: ActionContext): Promise<void>
}

export interface CommandInput {
  readonly args: readonly string[]
  /** By long name; a switch that was given is true. */
  readonly options: Readonly<Record<string, string | true | undefined>>
}

export const DIRECT: CommandOption = { name: 'direct', doc: 'go straight to the backup storage of the settings instead of through a tablet' }
