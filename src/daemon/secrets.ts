/**
 * The passwords of our two accounts, read anew at each turn: whoever corrects a file, or puts a new password into it,
 * need not start the daemon again.
 */
import type { ActionContext } from '../base/action.ts'
import { messageOf } from '../base/errors.ts'
import { readSecretFile } from '../config/secrets.ts'

export interface SecretFiles {
  readonly dba: string
  readonly repl: string
}

export class Secrets {
  readonly #files: SecretFiles
  #dbaPassword: string
  #replPassword: string
  #trouble = ''

  private constructor(files: SecretFiles, passwords: { readonly dba: string, readonly repl: string }) {
    this.#files = files
    this.#dbaPassword = passwords.dba
    this.#replPassword = passwords.repl
  }

  /** @throws TabletError SETTINGS_INVALID, as readSecretFile says. */
  static async open(files: SecretFiles): Promise<Secrets> {
    return new Secrets(files, { dba: await readSecretFile(files.dba), repl: await readSecretFile(files.repl) })
  }

  get dbaPassword(): string { return this.#dbaPassword }
  get replPassword(): string { return this.#replPassword }

  /** A file that cannot be read now leaves the password as it was; said once. */
  async refresh(ctx: ActionContext): Promise<void> {
    try {
      this.#dbaPassword = await readSecretFile(this.#files.dba)
      this.#replPassword = await readSecretFile(this.#files.repl)
      this.#trouble = ''
    } catch (error) {
      const trouble = messageOf(error)
      if (trouble !== this.#trouble) ctx.log.warn({ err: error }, `the passwords read before stay in use: ${trouble}`)
      this.#trouble = trouble
    }
  }
}
