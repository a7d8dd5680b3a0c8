/**
 * From command line, environment and file to one frozen Config, or to every problem at once.
 *
 * Promises  L1  file < environment < flag, setting by setting.
 *           L2  all problems of all sources are reported in one SETTINGS_INVALID (exit code 78).
 *           L3  no value of a secret, or of something that is no setting, is repeated in a message.
 */
import { accessSync, constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { TabletError, messageOf } from '../base/errors.ts'
import { readArguments } from './arguments.ts'
import { brokenRules } from './checks.ts'
import { deriveDefaults, type MachineFacts, type PartialConfig } from './derive.ts'
import { readEnvironment } from './environment.ts'
import { noFindings, take, type Findings, type Given, type Problem } from './given.ts'
import { readSecretFile } from './secrets.ts'
import { REQUIRED } from './setting.ts'
import { SETTINGS, settingNamed, type Config, type SettingName } from './settings.ts'

export interface SettingsSources {
  /** Without the program's own name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads the settings file; the file system's unless a test gives another. */
  readonly readFile?: (path: string) => Promise<string>
  readonly machine?: MachineFacts
}

export type LoadedSettings =
  | { readonly command: 'run' | 'check', readonly config: Config, readonly warnings: readonly string[] }
  | { readonly command: 'help' | 'version' }

/**
 * The settings of tabletd.
 *
 * @throws TabletError SETTINGS_INVALID with one line a problem; `details.problems` holds them as data.
 */
export async function loadConfig(sources: SettingsSources): Promise<LoadedSettings> {
  const flags = readArguments(sources.argv)
  const { command } = flags
  if (command === 'help' || command === 'version') return { command }
  const environment = readEnvironment(sources.env)
  const file = await findingsInFile(flags.configFile ?? environment.configFile, sources)
  const found = [file, environment, flags]
  const { known, problems, faulty } = understand(found)
  const config = deriveDefaults(known, sources.machine ?? thisMachine())
  const all = [...problems, ...brokenRules(config, faulty), ...await unfitSecrets(config)]
  if (all.length > 0) throw settingsInvalid(all)
  return { command, config: Object.freeze(config as Config), warnings: warningsOf(found) }
}

/** What tabletctl needs: which of the settings it was told, without those that only a daemon must have. */
export type ClientConfig = PartialConfig

/**
 * Settings for a program that is not the daemon: nothing is required, and no machine is looked at.
 *
 * @param sources.flags names (any spelling) with their texts, as another parser found them.
 * @throws TabletError SETTINGS_INVALID
 */
export async function loadClientConfig(sources: {
  readonly flags: Readonly<Record<string, string>>
  readonly configFile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile?: (path: string) => Promise<string>
}): Promise<{ readonly config: ClientConfig, readonly warnings: readonly string[] }> {
  const flags = noFindings()
  for (const [name, raw] of Object.entries(sources.flags)) take({ spelling: name.replace(/^--?/, ''), raw, where: `--${name.replace(/^--?/, '')}` }, flags)
  const environment = readEnvironment(sources.env)
  const file = await findingsInFile(sources.configFile ?? environment.configFile, sources)
  const found = [file, environment, flags]
  const { known, problems } = understand(found)
  if (problems.length > 0) throw settingsInvalid(problems)
  return { config: Object.freeze(known), warnings: warningsOf(found) }
}

async function findingsInFile(path: string | undefined, sources: Pick<SettingsSources, 'readFile'>): Promise<Findings> {
  if (path === undefined) return noFindings()
  const read = sources.readFile ?? ((name: string) => readFile(name, 'utf8'))
  let text: string
  try {
    text = await read(resolve(path))
  } catch (error) {
    return { ...noFindings(), problems: [{ where: '--config', what: `cannot read ${path}: ${messageOf(error)}` }] }
  }
  const { readSettingsFile } = await import('./settings-file.ts')   // the YAML parser is loaded only for a file
  return readSettingsFile(path, text)
}

interface Understood {
  readonly known: PartialConfig
  readonly problems: readonly Problem[]
  readonly faulty: ReadonlySet<string>
}

/** Later sources win; a value that cannot be read is a problem also where a later one replaces it. */
function understand(found: readonly Findings[]): Understood {
  const values: Partial<Record<SettingName, unknown>> = {}
  const problems = found.flatMap((source) => source.problems)
  const faulty = new Set<string>()
  for (const name of Object.keys(SETTINGS) as SettingName[]) values[name] = plainDefault(name)
  for (const source of found) {
    for (const given of joinLists(source.given)) {
      const setting = settingNamed(given.name)
      if (given.raw === '' && setting.emptyMeansDefault) {
        values[given.name] = plainDefault(given.name)
        continue
      }
      const parsed = setting.schema.safeParse(given.raw)
      if (parsed.success) values[given.name] = parsed.data
      else {
        faulty.add(given.name)
        problems.push({ where: given.where, what: parsed.error.issues[0]?.message ?? 'cannot be read', hint: setting.doc })
      }
    }
  }
  return { known: values as PartialConfig, problems, faulty }
}

/** Undefined for a default that is derived or that does not exist. */
function plainDefault(name: SettingName): unknown {
  const { default: value } = settingNamed(name)
  return value === REQUIRED || (typeof value === 'object' && value !== null && 'derived' in value) ? undefined : value
}

/** A repeated flag: the last one counts, but lists grow. */
function joinLists(given: readonly Given[]): readonly Given[] {
  const joined = new Map<SettingName, Given>()
  for (const one of given) {
    const before = joined.get(one.name)
    const grows = before !== undefined && settingNamed(one.name).many
    joined.set(one.name, grows ? { ...one, raw: [before.raw, one.raw].flat() } : one)
  }
  return [...joined.values()]
}

/** Secrets are looked at now, so that a missing file is told together with everything else; who uses one reads it again. */
async function unfitSecrets(config: PartialConfig): Promise<readonly Problem[]> {
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) => settingNamed(name).secret && config[name] !== undefined)
  const checked = await Promise.all(names.map(async (name): Promise<Problem | undefined> => {
    try {
      await readSecretFile(String(config[name]))
      return undefined
    } catch (error) {
      return { where: `--${name}`, what: messageOf(error) }
    }
  }))
  return checked.filter((problem) => problem !== undefined)
}

function warningsOf(found: readonly Findings[]): readonly string[] {
  const ignored = [...new Set(found.flatMap((source) => source.ignored))]
  return ignored.length === 0 ? [] : [`flags of Vitess that mean nothing to tabletd are ignored: ${ignored.join(', ')}`]
}

export const formatProblem = ({ where, what, hint }: Problem): string => `${where}: ${what}${hint === undefined ? '' : ` (${hint})`}`

function settingsInvalid(problems: readonly Problem[]): TabletError {
  const lines = problems.map(formatProblem)
  const [only = ''] = lines
  const message = lines.length === 1 ? only : `${lines.length} settings cannot be used:\n${lines.map((line) => `  ${line}`).join('\n')}`
  return new TabletError('SETTINGS_INVALID', message, { details: { problems } })
}

const USUAL_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin', '/usr/libexec', '/usr/local/mysql/bin', '/opt/mysql/bin']

function thisMachine(): MachineFacts {
  const directories = [...(process.env['PATH'] ?? '').split(':').filter((directory) => directory.startsWith('/')), ...USUAL_DIRECTORIES]
  return {
    hostname: hostname(),
    pid: process.pid,
    cores: availableParallelism(),
    findProgram: (names) => names.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable),
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false   // missing or not ours to run: both mean that it is not the program looked for
  }
}
