/** What settings must be together. Pure: one rule, one sentence; all that apply are reported. */
import { compressionProblems } from './compression-rules.ts'
import type { PartialConfig } from './derive.ts'
import type { Problem } from './given.ts'
import { REQUIRED } from './setting.ts'
import { SETTINGS, settingNamed, type SettingName } from './settings.ts'
import { storageProblems } from './storage-rules.ts'

interface Rule {
  /** The setting to change. */
  readonly where: SettingName
  readonly broken: (config: PartialConfig) => boolean
  readonly what: string
  readonly hint?: string
}

const controlled = (config: PartialConfig): boolean => config['mysqld-control'] !== undefined && config['mysqld-control'] !== 'none'

const RULES: readonly Rule[] = [
  { where: 'my-cnf', broken: (c) => controlled(c) && c['my-cnf'] === undefined, what: 'is needed unless mysqld-control is none',
    hint: 'name the server\'s defaults file, as --my-cnf=/etc/mysql/my.cnf' },
  { where: 'mysqld-path', broken: (c) => controlled(c) && c['mysqld-path'] === undefined, what: 'no server program was found',
    hint: 'name mysqld or mariadbd, as --mysqld-path=/usr/sbin/mysqld' },
  { where: 'mysqld-unit', broken: (c) => c['mysqld-control'] === 'systemd' && c['mysqld-unit'] === undefined, what: 'is needed with mysqld-control systemd',
    hint: 'as --mysqld-unit=mysql.service' },
  { where: 'mysqld-start-command', broken: (c) => c['mysqld-control'] === 'command' && c['mysqld-start-command'] === undefined,
    what: 'is needed with mysqld-control command' },
  { where: 'mysqld-stop-command', broken: (c) => c['mysqld-control'] === 'command' && c['mysqld-stop-command'] === undefined,
    what: 'is needed with mysqld-control command' },
  { where: 'file-backup-storage-root', what: 'is needed with backup-storage-implementation file', hint: 'name the directory of the backups',
    broken: (c) => c['backup-storage-implementation'] === 'file' && c['file-backup-storage-root'] === undefined },
  { where: 'backup-storage-implementation', what: 'is needed with restore-from-backup', hint: 'as --backup-storage-implementation=file',
    broken: (c) => c['restore-from-backup'] === true && c['backup-storage-implementation'] === undefined },
  { where: 'backup-storage-implementation', what: 'is needed with backup-schedule', hint: 'as --backup-storage-implementation=file',
    broken: (c) => c['backup-schedule'] !== undefined && c['backup-storage-implementation'] === undefined },
  { where: 'restore-from-backup', broken: (c) => c['restore-from-backup'] === true && c['mysqld-control'] === 'none',
    what: 'needs a mysqld that tabletd may stop and start', hint: 'set mysqld-control to supervised, systemd or command' },
  { where: 'recovery-threshold', what: 'is more than unhealthy-threshold',
    broken: (c) => (c['recovery-threshold'] ?? 0) > (c['unhealthy-threshold'] ?? Infinity) },
  { where: 'tls-key', broken: (c) => (c['tls-cert'] === undefined) !== (c['tls-key'] === undefined), what: 'tls-cert and tls-key are needed together' },
  { where: 'tls-client-ca', broken: (c) => c['tls-client-ca'] !== undefined && c['tls-cert'] === undefined, what: 'needs tls-cert and tls-key' },
  { where: 'agent-check-port', broken: (c) => (c['agent-check-port'] ?? 0) !== 0 && c['agent-check-port'] === c.port, what: 'is the same as port',
    hint: 'as --agent-check-port=15101' },
  { where: 'topo-root', broken: (c) => sameDirectory(c['topo-root'], c['file-backup-storage-root']), what: 'is the same directory as file-backup-storage-root' },
  { where: 'tablet-dir', what: 'is the same directory as topo-root or file-backup-storage-root',
    broken: (c) => sameDirectory(c['tablet-dir'], c['topo-root']) || sameDirectory(c['tablet-dir'], c['file-backup-storage-root']) },
]

const sameDirectory = (one: string | undefined, other: string | undefined): boolean => one !== undefined && one === other

/** Every rule that `config` breaks; `faulty` names settings that were given but not understood, which are reported elsewhere. */
export function brokenRules(config: PartialConfig, faulty: ReadonlySet<string>): readonly Problem[] {
  const missing = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => settingNamed(name).default === REQUIRED && config[name] === undefined)
    .map((where) => ({ where, what: 'is needed', hint: settingNamed(where).doc }))
  return [...missing, ...RULES.filter((rule) => rule.broken(config)), ...storageProblems(config), ...compressionProblems(config)]
    .filter(({ where }) => !faulty.has(where))
    .map(({ where, what, hint }: Omit<Rule, 'broken'>) => ({ where: `--${where}`, what, ...(hint === undefined ? {} : { hint }) }))
}
