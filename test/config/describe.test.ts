/** The help text and the page of settings: nothing is left out, nothing is unreadable. */
import t from 'tap'
import { helpText, settingsDocument } from '../../src/config/describe.ts'
import { SETTINGS, SETTING_AREAS, environmentName, settingNamed, type SettingName } from '../../src/config/settings.ts'
import { ignoredVitessFlags, refusedVitessFlags, vitessFlag } from '../../src/config/vitess-flags.ts'

const names = Object.keys(SETTINGS) as SettingName[]

t.test('help names every setting once, with its default, in lines that fit a terminal', (t) => {
  const help = helpText()
  for (const name of names) {
    t.equal(help.split('\n').filter((line) => line === `  --${name}` || line.startsWith(`  --${name} `)).length, 1, name)
  }
  t.match(help, /--wait-for-backup-interval <duration>\n(?: {6}.*\n)* {6}.*default: 0s\)/)
  t.match(help, /--compression-engine-name zstd\|lz4\|pgzip\|pargzip\|external/)
  t.same(help.split('\n').filter((line) => line.length > 120), [])
  t.end()
})

t.test('the page holds one row a setting, and every flag of Vitess that is known', (t) => {
  const page = settingsDocument()
  for (const name of names) t.equal(page.split(`\n| \`${name}\` |`).length, 2, name)
  for (const name of ignoredVitessFlags()) t.ok(page.includes(`\`${name}\``), name)
  for (const { name } of refusedVitessFlags()) t.ok(page.includes(`| \`${name}\` |`), name)
  t.end()
})

t.test('the areas together are the table', (t) => {
  t.same(SETTING_AREAS.flatMap(({ settings }) => Object.keys(settings)).sort(), [...names].sort())
  t.end()
})

t.test('every row is documented, and every number has its reason or is Vitess\'s', (t) => {
  for (const name of names) {
    const { doc, reason, default: value } = settingNamed(name)
    t.match(doc, /^[A-Zs].*[.)]$/s, name)
    if (typeof value === 'number') t.type(reason, 'string', name)
  }
  t.end()
})

t.test('no setting is also a flag that is ignored or refused, and names are spelled one way', (t) => {
  for (const name of names) {
    for (const spelling of [name, ...settingNamed(name).aliases ?? []]) {
      t.equal(vitessFlag(spelling), undefined, spelling)
      t.match(spelling, /^[a-z][a-z0-9-]*$/)
    }
  }
  t.equal(vitessFlag('constructor'), undefined)
  t.match(vitessFlag('grpc-port'), { bare: false })
  t.match(vitessFlag('logtostderr'), { bare: true })
  for (const name of [...ignoredVitessFlags(), ...refusedVitessFlags().map((flag) => flag.name)]) t.match(name, /^[a-z][a-z0-9-]*$/)
  t.equal(environmentName('restore-from-backup'), 'TABLETD_RESTORE_FROM_BACKUP')
  t.end()
})
