/** Words of a command as a POSIX shell would split them, without running a shell: quotes and backslashes, nothing expanded. */
import { TabletError } from './errors.ts'

export interface Command {
  readonly program: string
  readonly arguments: readonly string[]
}

/**
 * @throws TabletError SETTINGS_INVALID for an open quote, no words, control characters, or
 *   what only a shell could mean (pipes, redirections, variables).
 */
export function lexCommand(text: string): Command {
  if (CONTROL.test(text)) throw new TabletError('SETTINGS_INVALID', 'cannot read a command that has control characters')
  const [program, ...args] = words(text)
  if (program === undefined) throw new TabletError('SETTINGS_INVALID', `cannot read command "${text}": it is empty`)
  return { program, arguments: args }
}

/** All but tab, line feed and carriage return: scripts have these, and no argument may have NUL (execve(2)). */
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/
const WORD = /\s*((?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\])+)\s*/y
const PIECE = /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])|([^\s'"\\]+)/g

function words(text: string): readonly string[] {
  const found: string[] = []
  WORD.lastIndex = 0
  let at = 0
  while (text.slice(at).trim() !== '') {
    WORD.lastIndex = at
    const match = WORD.exec(text)
    if (match?.[1] === undefined) throw new TabletError('SETTINGS_INVALID', `cannot read command "${text}": a quote or backslash is left open`)
    found.push(plain(match[1], text))
    at = WORD.lastIndex
  }
  return found
}

function plain(word: string, text: string): string {
  return word.replace(PIECE, (_, single?: string, double?: string, escaped?: string, bare?: string) => {
    if (bare !== undefined && /[|&;<>()$`*?]/.test(bare)) {
      throw new TabletError('SETTINGS_INVALID', `cannot read command "${text}": it is run without a shell, so "${bare}" would mean nothing; quote it or use a script`)
    }
    return single ?? double?.replace(/\\([\\"$`])/g, '$1') ?? escaped ?? bare ?? ''
  })
}
