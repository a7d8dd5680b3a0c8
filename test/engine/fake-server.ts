/** The directories of a stopped server as a builtin copy sees them, made of small files instead of a real one's. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CopyFacts, ServerPaths } from '../../src/mysqld/mysqld.ts'
import type { RestoreParams } from '../../src/engine/backup-engine.ts'

export const MYSQL_FILES: Readonly<Record<string, string>> = {
  'data/mysql.ibd': 'data dictionary',
  'data/undo_001': 'undo one',
  'data/vt_commerce/corder.ibd': 'c'.repeat(40_000),
  'innodb/ibdata1': 'system tablespace',
  'log/#innodb_redo/#ib_redo9': 'redo',
}

export async function writeTree(root: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
}

/** Every file below `root` with its content; directories without files have `null` and end with `/`. */
export async function readTree(root: string): Promise<Record<string, string | null>> {
  const tree: Record<string, string | null> = {}
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(root.length + 1)
    if (entry.isFile()) tree[name] = await readFile(path, 'latin1')
    else if (!entries.some((other) => other.parentPath === path)) tree[`${name}/`] = null
  }
  return tree
}

/** Facts of a server whose directories are `data`, `innodb` and `log` below `root`. */
export function factsOf(root: string, more: Partial<CopyFacts> & { readonly dirs?: Partial<ServerPaths> } = {}): CopyFacts {
  const { dirs, ...facts } = more
  return {
    paths: {
      dataDir: join(root, 'data'), innodbDataHome: join(root, 'innodb'), innodbLogHome: join(root, 'log'), undoDir: join(root, 'data'),
      tmpDir: join(root, 'tmp'), socket: join(root, 's'), pidFile: join(root, 'pid'), errorLog: join(root, 'error.log'),
      binlogBase: join(root, 'binlog'), relayLogBase: join(root, 'relay'), pluginDir: join(root, 'plugin'),
      innodbDataFilePath: 'ibdata1:12M:autoextend', innodbPageSize: 16_384, ...dirs,
    },
    pageSize: 16_384, lowerCaseTableNames: 0, innodbDataFilePath: 'ibdata1:12M:autoextend',
    tablespaceFiles: [], encrypted: [], engines: ['InnoDB'], ...facts,
  }
}

export const directoriesIn = (root: string): RestoreParams['to'] =>
  ({ dataDir: join(root, 'data'), innodbDataHome: join(root, 'innodb'), innodbLogHome: join(root, 'log'), undoDir: join(root, 'data') })
