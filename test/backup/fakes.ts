/** A server, an engine and a place for a backup that are none, and say what was asked of them. */
import { crc32 } from 'node:zlib'
import type { BackupFacts } from '../../src/backup/build-manifest.ts'
import type { TakeBackupRequest } from '../../src/backup/take-backup.ts'
import type { BackupEngine, BackupParams } from '../../src/engine/backup-engine.ts'
import type { FileEntry } from '../../src/model/manifest.ts'
import type { Mysqld } from '../../src/mysqld/mysqld.ts'
import { serverIdentity } from '../daemon/builders.ts'
import { factsOf } from '../engine/fake-server.ts'
import { UUID_A, alias, mysqlSet } from '../replication/builders.ts'

export const SHARD = { keyspace: 'commerce', shard: '0' }
export const NAME = '2026-08-19.101500.zone1-0000000102'
const OBJECTS: readonly string[] = ['data dictionary', 'system tablespace', '']

/** Answers each call with what is given for it, and tells `asked` of it with its first argument where that is plain. */
export function fakeMysqld(answers: Readonly<Record<string, unknown>>, asked: string[]): Mysqld {
  return new Proxy({} as Mysqld, {
    get: (_target, name) => (...given: readonly unknown[]) => {
      const [first] = given
      const call = typeof first === 'string' || typeof first === 'number' ? `${String(name)}(${first})` : String(name)
      asked.push(call)
      if (!Object.hasOwn(answers, String(name))) return Promise.resolve()
      const answer = answers[String(name)]
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
  })
}

export const backupFacts = (more: Partial<BackupFacts> = {}): BackupFacts => ({
  alias: alias(102), shard: SHARD, hostname: 'db7.example', identity: serverIdentity(), position: mysqlSet(`${UUID_A}:1-5`),
  purged: mysqlSet(`${UUID_A}:1-2`), binlogState: undefined, copy: factsOf('/srv'), upgradeSafe: false,
  startedAt: new Date('2026-08-19T10:15:00.750Z'), toolVersion: '0.1.0', ...more,
})

/** Stores three small objects, the last one empty, and names them as they are. */
export function fakeEngine(steps: string[], more: { readonly during?: (params: BackupParams) => void } = {}): BackupEngine {
  return {
    name: 'builtin', properties: { mysqldDuringBackup: 'stopped' },
    preflight: () => Promise.resolve(),
    executeBackup: async (params, ctx) => {
      steps.push('engine')
      more.during?.(params)
      ctx.signal.throwIfAborted()
      const entries: FileEntry[] = []
      for (const [index, text] of OBJECTS.entries()) {
        const { bytes } = await params.into.writeFile(String(index), bytesOf(text), { sizeHint: -1 }, ctx)
        const Hash = crc32(text).toString(16).padStart(8, '0')
        entries.push({ Base: 'Data', Name: `file${index}`, Hash, ParentPath: '', Size: text.length, StoredSize: bytes })
      }
      const sum = OBJECTS.join('').length
      return { manifest: { BackupMethod: 'builtin', CompressionEngine: 'zstd', FileEntries: entries }, bytes: sum, storedBytes: sum }
    },
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, undefined> { yield Buffer.from(text) }

export const takeRequest = (steps: string[], more: Partial<TakeBackupRequest> = {}): TakeBackupRequest => ({
  shard: SHARD, name: NAME, concurrency: 3,
  prepare: () => {
    steps.push('prepare')
    return Promise.resolve({ facts: backupFacts(), source: factsOf('/srv') })
  },
  onFailed: () => undefined,
  onStep: (step) => {
    steps.push(step)
    return Promise.resolve()
  },
  onProgress: () => undefined, ...more,
})
