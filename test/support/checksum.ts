/** What is the same, and what was not touched. */
import { createHash } from 'node:crypto'
import { lstat, readFile, readdir, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Row } from './throwaway-mysqld.ts'
import { waitFor } from './wait-for.ts'

type Rows = (sql: string) => Promise<Row[]>

const SYSTEM = ['mysql', 'sys', 'information_schema', 'performance_schema']

/** `schema.table` → CHECKSUM TABLE of every table of users, in order; empty schemas as `schema.` → 'empty'. */
export async function tableChecksums(rows: Rows): Promise<Readonly<Record<string, string>>> {
  const system = SYSTEM.map((name) => `'${name}'`).join(',')
  const tables = await rows(`select s.schema_name as s, t.table_name as t from information_schema.schemata s
    left join information_schema.tables t on t.table_schema = s.schema_name and t.table_type = 'BASE TABLE'
    where s.schema_name not in (${system}) and left(s.schema_name, 1) <> '_' order by 1, 2`)
  const sums: Record<string, string> = {}
  for (const row of tables) {
    const [schema, table] = [String(row['s']), row['t'] as string | null]
    if (table === null) { sums[`${schema}.`] = 'empty'; continue }
    const [sum] = await rows(`checksum table \`${schema}\`.\`${table}\``)
    sums[`${schema}.${table}`] = String(sum?.['Checksum'])
  }
  return sums
}

/** One line for each path under `folder`: kind, permissions, owner, size and content's hash. Equal lists: nothing was touched. */
export async function directoryState(folder: string, leaveOut: (path: string) => boolean = () => false): Promise<readonly string[]> {
  const lines: string[] = []
  const visit = async (path: string): Promise<void> => {
    const name = relative(folder, path)
    if (leaveOut(name)) return
    const info = await lstat(path)
    const what = `${name} ${info.mode.toString(8)} ${info.uid}:${info.gid}`
    if (info.isDirectory()) {
      lines.push(`${what} directory`)
      for (const child of (await readdir(path)).sort()) await visit(join(path, child))
    } else if (info.isSymbolicLink()) {
      lines.push(`${what} -> ${await readlink(path)}`)
    } else if (info.isFile()) {
      lines.push(`${what} ${info.size} ${createHash('sha256').update(await readFile(path)).digest('hex')}`)
    } else {
      lines.push(`${what} special`)
    }
  }
  await visit(folder)
  return lines
}

/** Waits until `replica` holds exactly the tables of `primary`, and resolves to their sums. A primary without tables proves nothing. */
export async function untilSameTables(primary: Rows, replica: Rows, deadlineMs = 60_000): Promise<Readonly<Record<string, string>>> {
  return await waitFor('both hold the same tables', async () => {
    const [theirs, ours] = [await tableChecksums(primary), await tableChecksums(replica)]
    if (Object.keys(theirs).length === 0) throw new Error('the primary has no table')
    if (JSON.stringify(theirs) !== JSON.stringify(ours)) throw new Error(`${JSON.stringify(theirs)} and ${JSON.stringify(ours)}`)
    return ours
  }, { deadlineMs })
}
