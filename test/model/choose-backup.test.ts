import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chooseBackup, type BackupFacts, type ChoiceRules } from '../../src/model/choose-backup.ts'
import { decodeManifest } from '../../src/model/manifest-codec.ts'
import type { BackupManifest, ManifestExtras } from '../../src/model/manifest.ts'

const HEAD = decodeManifest(readFileSync(join(import.meta.dirname, 'fixtures', 'head.json')))
const RULES: ChoiceRules = { running: { product: 'MySQL', major: 8, minor: 0, patch: 36 }, allowedEngines: [], quarantined: new Map() }

const complete = (name: string, more: Partial<BackupManifest> = {}): BackupFacts =>
  ({ name, state: 'complete', manifest: { ...HEAD, BackupName: name, ...more } })
const incomplete = (name: string): BackupFacts => ({ name, state: 'incomplete' })
const made = (Tabletd: Partial<ManifestExtras>): Partial<BackupManifest> => ({ Tabletd: { ToolVersion: '1', ...Tabletd } })
const at = (BackupTime: string): Partial<BackupManifest> => ({ BackupTime })

/** Expected: the name used, then the reasons against the newer ones; or no name. */
const TABLE: readonly {
  title: string, backups: readonly BackupFacts[], rules?: Partial<ChoiceRules>, use: string | undefined, skipped: readonly RegExp[]
}[] = [
  { title: 'the latest', backups: [complete('1'), complete('2'), complete('3')], use: '3', skipped: [] },
  { title: 'incomplete ones are passed over', backups: [complete('1'), incomplete('2'), incomplete('3')], use: '1', skipped: [/no MANIFEST/, /no MANIFEST/] },
  { title: 'only incomplete ones', backups: [incomplete('1'), incomplete('2')], use: undefined, skipped: [/no MANIFEST/, /no MANIFEST/] },
  {
    title: 'one that cannot be read', backups: [complete('1'), { name: '2', state: 'unreadable', reason: 'cannot read MANIFEST: it is empty' }],
    use: '1', skipped: [/it is empty/],
  },
  {
    title: 'one found corrupt before', backups: [complete('1'), complete('2')], rules: { quarantined: new Map([['2', 'file 7 is missing']]) },
    use: '1', skipped: [/found corrupt: file 7 is missing/],
  },
  {
    title: 'all found corrupt before', backups: [complete('2')], rules: { quarantined: new Map([['2', 'file 7 is missing']]) },
    use: undefined, skipped: [/found corrupt/],
  },
  {
    title: 'incremental ones are no full backups', use: '1', skipped: [/incremental/, /incremental/],
    backups: [complete('1'), complete('2', { Incremental: true }), complete('3', { FromPosition: 'MySQL56/' })],
  },
  {
    title: 'another version', backups: [complete('1'), complete('2', { MySQLVersion: 'Ver 8.4.0 MySQL' })],
    use: '1', skipped: [/never goes to an older version/],
  },
  {
    title: 'only other versions', use: undefined, skipped: [/another product/, /older version/],
    backups: [complete('1', { MySQLVersion: 'Ver 8.4.0 MySQL' }), complete('2', { MySQLVersion: 'Ver 8.0.36 Percona Server' })],
  },
  { title: 'an older version, shut down slowly', backups: [complete('1', { MySQLVersion: 'Ver 5.7.44 MySQL', UpgradeSafe: true })], use: '1', skipped: [] },
  { title: 'an older version', backups: [complete('1', { MySQLVersion: 'Ver 5.7.44 MySQL' })], use: undefined, skipped: [/upgrade-safe/] },
  { title: 'no version, as before v18', backups: [complete('1', { MySQLVersion: '' })], use: '1', skipped: [] },
  {
    title: 'positions of another flavour', backups: [complete('1'), complete('2', { MySQLVersion: '', Position: 'MariaDB/0-1-8' })],
    use: '1', skipped: [/position is one of mariadb/],
  },
  { title: 'no position', backups: [complete('1'), complete('2', { Position: '' })], use: '1', skipped: [/no position/] },
  { title: 'the empty position', backups: [complete('1', { Position: 'MySQL56/' })], use: '1', skipped: [] },
  {
    title: 'by time: the newest begun at or before it', rules: { notAfterMs: Date.parse('2026-08-02T00:00:00Z') }, use: '2', skipped: [/later, at 2026-08-03/],
    backups: [complete('1', at('2026-08-01T00:00:00Z')), complete('2', at('2026-08-02T00:00:00Z')), complete('3', at('2026-08-03T00:00:00Z'))],
  },
  {
    title: 'by time: all later', rules: { notAfterMs: Date.parse('2026-08-01T00:00:00Z') }, use: undefined, skipped: [/later/],
    backups: [complete('1', at('2026-08-01T00:00:01Z'))],
  },
  {
    title: 'by time: one without, and one with none that can be read', rules: { notAfterMs: Date.now() }, use: undefined, skipped: [/does not tell/, /does not tell/],
    backups: [complete('1', at('')), complete('2', at('yesterday'))],
  },
  { title: 'names decide which is newest, not times', backups: [complete('1', at('2030-01-01T00:00:00Z')), complete('2')], use: '2', skipped: [] },
  {
    title: 'allowed engines', backups: [complete('1'), complete('2', { BackupMethod: 'xtrabackup' })], rules: { allowedEngines: ['builtin'] },
    use: '1', skipped: [/engine "xtrabackup" is not among the allowed ones \(builtin\)/],
  },
  {
    title: 'a backup that names no engine is in no list', backups: [complete('1', { BackupMethod: '' })], rules: { allowedEngines: ['builtin'] },
    use: undefined, skipped: [/engine "" is not among/],
  },
  { title: 'without a list it is builtin', backups: [complete('1', { BackupMethod: '' })], rules: { knownEngines: ['builtin'] }, use: '1', skipped: [] },
  {
    title: 'an engine nobody knows', backups: [complete('1'), complete('2', { BackupMethod: 'mysqlshell' })], rules: { knownEngines: ['builtin'] },
    use: '1', skipped: [/"mysqlshell" is not known here/],
  },
  {
    title: 'names of tables in another case', backups: [complete('1', made({ LowerCaseTableNames: 0 })), complete('2', made({ LowerCaseTableNames: 1 }))],
    rules: { lowerCaseTableNames: 0 }, use: '1', skipped: [/lower_case_table_names=1, this server has 0/],
  },
  { title: 'names of tables in an unknown case', backups: [complete('1'), complete('2', made({}))], rules: { lowerCaseTableNames: 1 }, use: '2', skipped: [] },
]

for (const { title, backups, rules, use, skipped } of TABLE) {
  t.test(`choosing a backup: ${title}`, (t) => {
    const choice = chooseBackup(backups, { ...RULES, ...rules })
    if (choice.kind === 'none') { t.fail('there are backups'); t.end(); return }
    t.equal(choice.kind === 'use' ? choice.name : undefined, use)
    if (choice.kind === 'use') t.equal(choice.manifest.BackupName, use)
    t.equal(choice.skipped.length, skipped.length)
    skipped.forEach((reason, i) => t.match(choice.skipped[i]?.reason, reason))
    t.end()
  })
}

t.test('no backup at all is another answer than none that can be used', (t) => {
  t.same(chooseBackup([], RULES), { kind: 'none' })
  t.equal(chooseBackup([incomplete('1')], RULES).kind, 'noneUsable')
  t.end()
})
