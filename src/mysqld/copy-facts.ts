/**
 * What a cold copy must know before the stop: which files hold the tables, and where (design.md section 5, file set).
 *
 * The server names every InnoDB tablespace; a table of another engine outside the data directory is known by its
 * options (MariaDB) or by the symbolic link that stands in its schema's directory (both), which the copy sees itself.
 */
import { join } from 'node:path'
import type { ActionContext } from '../base/action.ts'
import type { Row } from './sql-types.ts'
import { engines, showVariables } from './dialects/common.ts'
import type { CopyFacts, ServerPaths } from './mysqld.ts'
import { absolute, isOn, pathsOf, variablesOf } from './server-variables.ts'
import { variablesIn, type Sql } from './sql-observe.ts'

export type TablespaceFile = CopyFacts['tablespaceFiles'][number]

const ENCRYPTED_LOGS = {
  innodb_redo_log_encrypt: 'redo log', innodb_undo_log_encrypt: 'undo log', innodb_encrypt_log: 'redo log', aria_encrypt_tables: 'Aria tables',
} as const

/** Reading every table's facts takes a while on servers with many. */
const COPY_FACTS_MS = 120_000

export async function copyFacts(sql: Sql, ctx: ActionContext): Promise<CopyFacts> {
  return sql.pool.run({ doing: 'read what to copy', timeoutMs: Math.max(sql.changeMs, COPY_FACTS_MS) }, async (session) => {
    const { dialect } = session
    const variables = await variablesIn(session)
    const paths = pathsOf(variables)
    const tables = dialect.tables === undefined ? [] : await session.query(dialect.tables)
    const tablespaces = tablespaceFilesOf(await session.query(dialect.tablespaces), paths)
    const encrypted: string[] = []
    for (const statement of dialect.encrypted) encrypted.push(...(await session.query(statement)).map((row) => row['name'] ?? ''))
    const logs = variablesOf(await session.query(showVariables(Object.keys(ENCRYPTED_LOGS))))
    const encryptedLogs = Object.entries(ENCRYPTED_LOGS).flatMap(([name, what]) => isOn(logs, name) ? [what] : [])
    return {
      paths,
      pageSize: paths.innodbPageSize,
      lowerCaseTableNames: Number(variables.get('lower_case_table_names') ?? 0),
      innodbDataFilePath: paths.innodbDataFilePath,
      tablespaceFiles: [...tablespaces, ...tablesElsewhere(tables, tablespaces)],
      encrypted: [...encrypted, ...encryptedLogs],
      engines: (await session.query(engines)).map((row) => row['engine'] ?? '').sort(),
    }
  }, ctx)
}

/**
 * Rows with name, path and type. Pure.
 *
 * The system tablespace is read from innodb_data_file_path: MySQL prints its files relative to a directory that it does
 * not name, and MariaDB prints only the first (tried).
 */
export function tablespaceFilesOf(
  rows: readonly Row[], paths: Pick<ServerPaths, 'dataDir' | 'innodbDataHome' | 'innodbDataFilePath'>,
): readonly TablespaceFile[] {
  const named = rows.map((row) => {
    const name = row['name'] ?? ''
    return { name, path: absolute(paths.dataDir, row['path'] ?? ''), kind: kindOf(name, row['type'] ?? '') }
  })
  const system = paths.innodbDataFilePath.split(';').filter((part) => part !== '').map((part) => ({
    name: 'innodb_system', path: absolute(paths.innodbDataHome, part.replace(/:\d.*$/, '')), kind: 'system' as const,
  }))
  return [...system, ...named.filter((file) => file.kind !== 'system')]
}

function kindOf(name: string, type: string): TablespaceFile['kind'] {
  if (type === 'UNDO LOG' || /^innodb_undo/.test(name)) return 'undo'
  if (type === 'TEMPORARY' || name === 'innodb_temporary') return 'temporary'
  if (name === 'innodb_system') return 'system'
  return name.includes('/') ? 'table' : 'general'
}

/** Tables with DATA DIRECTORY or INDEX DIRECTORY that no tablespace above stands for: MyISAM and Aria. Pure. */
export function tablesElsewhere(rows: readonly Row[], known: readonly TablespaceFile[]): readonly TablespaceFile[] {
  const names = new Set(known.map((file) => file.name))
  return rows.flatMap((row) => {
    const name = `${row['schema']}/${row['table']}`
    const [, directory] = /(?:DATA|INDEX) DIRECTORY='([^']*)'/.exec(row['options'] ?? '') ?? []
    return directory === undefined || names.has(name) ? [] : [{ name, path: join(directory, row['table'] ?? ''), kind: 'table' as const }]
  })
}
