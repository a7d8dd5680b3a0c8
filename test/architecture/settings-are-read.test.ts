/** A setting that nothing reads pretends to do something: each one is read by a module outside the room of settings. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { SETTINGS } from '../../src/config/settings.ts'
import { vitessFlag } from '../../src/config/vitess-flags.ts'

const SRC = join(import.meta.dirname, '../../src')

/** The text of all modules outside config/. */
async function code(): Promise<string> {
  const paths = (await readdir(SRC, { recursive: true })).filter((path) => path.endsWith('.ts') && !path.startsWith('config/'))
  return (await Promise.all(paths.map((path) => readFile(join(SRC, path), 'utf8')))).join('\n')
}

/** As `config['semi-sync']`, `'tls-cert': cert` of a pattern, `needed(config, 'file-backup-storage-root')`, or `config.port`. */
const reads = (text: string, name: string): boolean =>
  [`['${name}']`, `{ '${name}':`, `, '${name}':`, `(config, '${name}')`].some((form) => text.includes(form))
  || new RegExp(`\\bconfig\\.${name}\\b(?!-)`).test(text)

t.test('every setting is read', async (t) => {
  const text = await code()
  t.same(Object.keys(SETTINGS).filter((name) => !reads(text, name)), [])
  t.equal(reads(text, 'no-such-setting'), false, 'the search finds only what is there')
})

t.test('a flag of Vitess is a setting or an accepted one, never both', (t) => {
  t.same(Object.keys(SETTINGS).filter((name) => vitessFlag(name) !== undefined), [])
  t.end()
})
