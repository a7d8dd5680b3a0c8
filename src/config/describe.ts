/** The table of settings as the text of `tabletd --help` and as docs/settings.md. Pure. */
import type { AnySetting, Derived } from './setting.ts'
import { REQUIRED } from './setting.ts'
import { SETTING_AREAS, flagName } from './settings.ts'
import { ignoredVitessFlags, refusedVitessFlags } from './vitess-flags.ts'

const HELP_WIDTH = 100

const USAGE = `Usage: tabletd [flags]

Sits beside a mysqld: restores it, attaches it to its shard's primary, backs it up, and tells load balancers the truth.

Every setting is a flag, a variable (--restore-from-backup is TABLETD_RESTORE_FROM_BACKUP) and a key of the YAML file
given with --config; a flag beats a variable, a variable beats the file. One dash and underscores are accepted too.

  --config <file>
      YAML file with settings, one "name: value" a line; also TABLETD_CONFIG.
  --check
      Runs every start-up check once, says what it found, and exits.
  --version
      Prints the version.
  --help
      Prints this text.`

/** What `tabletd --help` prints. */
export function helpText(): string {
  const areas = SETTING_AREAS.map(({ title, settings }) =>
    [`${title}:`, ...Object.entries(settings).map(([name, setting]) => helpEntry(name, setting))].join('\n'))
  return `${[USAGE, ...areas].join('\n\n')}\n`
}

function helpEntry(name: string, setting: AnySetting): string {
  const head = setting.bare ? flagName(name) : `${flagName(name)} ${setting.placeholder}`
  const aliases = (setting.aliases ?? []).map((alias) => ` Also ${flagName(alias)}.`).join('')
  const about = `${plain(setting.doc)}${aliases} (${defaultWords(setting)})`
  return [`  ${head}`, ...wrap(about, HELP_WIDTH - 6).map((line) => `      ${line}`)].join('\n')
}

const plain = (markdown: string): string => markdown.replaceAll('`', '')

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

function defaultWords(setting: AnySetting): string {
  if (setting.default === REQUIRED) return 'required'
  return `default: ${isDerived(setting.default) ? setting.default.derived : setting.show(setting.default)}`
}

const isDerived = (value: unknown): value is Derived => typeof value === 'object' && value !== null && 'derived' in value

const INTRODUCTION = `# Settings

<!-- Generated from src/config by \`npm run docs\`; change the table there. -->

One name everywhere: the flag \`--restore-from-backup\`, the variable \`TABLETD_RESTORE_FROM_BACKUP\`, the key
\`restore-from-backup\` in the YAML file given with \`--config\` (or \`TABLETD_CONFIG\`). The file is weaker than the
environment, the environment weaker than a flag. Underscores, a single dash, \`--flag value\` and \`--flag=value\` are
all accepted, so the command lines in Vitess's documents work as written. A bare switch means true; \`=false\` turns it off.

- Durations are written \`30s\`, \`2h\`, \`1m30s\`, \`250ms\`; a number without its unit is refused, except 0.
- A relative path is taken from the directory in which the program was started.
- An empty value of text, a word, a list or a path means the default; an empty variable is as good as none.
- In the file every value is the text it is: \`init-shard: 0\` needs no quotes. Lists may be written as lists. Duplicate
  keys, nested values, tags, anchors and aliases are errors.
- Secrets come from files of one line that other users of the machine cannot read; a password or token given directly
  is refused.
- All problems are reported together, and the process exits with 78. \`tabletd --check\` looks without starting.

Settings marked *Vitess* have Vitess's name and meaning.`

/** The text of docs/settings.md. */
export function settingsDocument(): string {
  const areas = SETTING_AREAS.map(({ title, settings }) => [
    `## ${title}`, '',
    '| setting | value | default | meaning |', '|---|---|---|---|',
    ...Object.entries(settings).map(([name, setting]) => row(name, setting)),
  ].join('\n'))
  return `${[INTRODUCTION, ...areas, vitessChapter()].join('\n\n')}\n`
}

/** How a row says that its default is Vitess's too. */
const AS_IN_VITESS = 'Vitess\'s.'

function row(name: string, setting: AnySetting): string {
  const aliases = (setting.aliases ?? []).map((alias) => ` Also \`${alias}\`.`).join('')
  const ofVitess = setting.reason?.startsWith(AS_IN_VITESS) === true
  const origin = setting.vitess !== true ? '' : ofVitess ? ' *Vitess, also the default.*' : ' *Vitess.*'
  const reason = ofVitess ? setting.reason?.slice(AS_IN_VITESS.length) : setting.reason
  const why = reason === undefined || reason === '' ? '' : ` Why this default: ${reason.trim()}`
  const value = setting.bare ? 'switch' : setting.placeholder.replaceAll('|', ' \\| ')
  const cells = [`\`${name}\``, value.replaceAll('<', '&lt;'), cell(defaultWords(setting).replace(/^default: /, '')), `${cell(setting.doc)}${aliases}${origin}${cell(why)}`]
  return `| ${cells.join(' | ')} |`
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/<(?=[a-z])/g, '&lt;').replaceAll(/`[^`]*`/g, (code) => code.replaceAll('&lt;', '<'))

function vitessChapter(): string {
  const refused = refusedVitessFlags().map(({ name, hint }) => `| \`${name}\` | ${hint} |`).join('\n')
  return `## Flags of Vitess

These are refused when they are set, because going on without them would do something else than was asked:

| flag | why |
|---|---|
${refused}

These mean nothing to tabletd, or belong to parts it does not have yet. They are accepted, and one warning names them:

${ignoredVitessFlags().map((name) => `\`${name}\``).join(', ')}`
}
