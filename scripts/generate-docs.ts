/**
 * Writes the documents that are generated from tables: `npm run docs`.
 *
 * docs/settings.md from src/config, docs/errors.md from the error catalogue, docs/metrics.md from the table of metrics,
 * and the tables between the marks of
 * docs/tablet-state.md from the state table and the blockers; the text around those is written by hand.
 * test/architecture/documents.test.ts fails when one is stale.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settingsDocument } from '../src/config/describe.ts'
import { errorsDocument } from './errors-document.ts'
import { metricsDocument } from './metrics-document.ts'
import { withTables } from './tablet-state-document.ts'

const DOCS = join(import.meta.dirname, '../docs')

/** Every generated document with the text it ought to have. */
export async function generatedDocuments(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['settings.md', settingsDocument()],
    ['errors.md', errorsDocument()],
    ['metrics.md', metricsDocument()],
    ['tablet-state.md', withTables(await readFile(join(DOCS, 'tablet-state.md'), 'utf8'))],
  ])
}

if (import.meta.main) {
  for (const [name, text] of await generatedDocuments()) await writeFile(join(DOCS, name), text)
}
