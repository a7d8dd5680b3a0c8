/** What all parts of the bench share: where, on which server, how to stop; and data that is made once, when first needed. */
import { mkdir, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestServer } from '../test/support/servers.ts'
import { tempDir } from '../test/support/temp-dir.ts'
import { makeTables, rowsFor, takeDirectory, type DataSet, type Shape } from './data-set.ts'
import type { BenchOptions } from './options.ts'

export interface Bench extends AsyncDisposable {
  readonly options: BenchOptions
  readonly server: TestServer
  readonly signal: AbortSignal
  /** An empty directory for one part; all go with the bench. */
  directory(name: string): Promise<string>
  /** 1 GB in many tables, or the directory that was given. */
  many(): Promise<DataSet>
  /** 1 GB in one table; none when a directory was given. */
  huge(): Promise<DataSet | undefined>
  say(line: string): void
}

const FULL = { tables: 64, bytes: 1.15e9 }
const QUICK = { tables: 8, bytes: 12e6 }

/** Data twice over, its copies by two programs, and one restored; or the large data, its copy and what is restored. */
const bytesNeeded = ({ quick, largeBytes }: BenchOptions): number => quick ? 2e9 : Math.max(8 * FULL.bytes, 3 * largeBytes)

/** @throws Error when the disk has too little room. */
export async function openBench(options: BenchOptions, server: TestServer, signal: AbortSignal): Promise<Bench> {
  await requireRoom(options)
  const owned = new AsyncDisposableStack()
  const root = owned.use(await tempDir())
  const say = (line: string): void => { process.stderr.write(`${line}\n`) }
  say(`working in ${root.path}`)
  const made = new Map<string, Promise<DataSet>>()
  const tables = (shape: Shape): Promise<DataSet> => {
    const key = `${shape.tables} × ${shape.rows}`
    const found = made.get(key) ?? (async () => {
      say(`making ${shape.tables} tables of ${shape.rows} rows on ${server.name} ${server.version}`)
      return owned.use(await makeTables(server, shape, signal))
    })()
    made.set(key, found)
    return found
  }
  const size = options.quick ? QUICK : FULL
  const rows = rowsFor(size.bytes)
  return {
    options, server, signal, say,
    async directory(name) {
      const path = join(root.path, name)
      await mkdir(path, { recursive: true })
      return path
    },
    async many() {
      if (options.data !== undefined) return takeDirectory(options.data)
      return tables({ tables: size.tables, rows: Math.round(rows / size.tables) })
    },
    async huge() {
      return options.data === undefined ? tables({ tables: 1, rows }) : undefined
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function requireRoom(options: BenchOptions): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir())
  const needed = bytesNeeded(options)
  if (bavail * bsize < needed) {
    throw new Error(`${tmpdir()} has ${Math.round(bavail * bsize / 1e9)} GB of room, the bench needs ${Math.round(needed / 1e9)}: set TMPDIR, or --size`)
  }
}
