/** Backups by commands, and with lz4, through the engine: what the MANIFEST says, and what a restore asks for before it touches data. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { builtinBackupEngine } from '../../src/engine/builtin-backup.ts'
import { builtinRestoreEngine } from '../../src/engine/builtin-restore.ts'
import type { Compression, Decompression } from '../../src/engine/compression.ts'
import type { WritableBackup } from '../../src/storage/backup-storage.ts'
import { waitFor } from '../support/wait-for.ts'
import { NAME, SHARD, manifestWith, rig } from './builtin-rig.ts'
import { content } from './bytes.ts'
import { MYSQL_FILES, directoriesIn, factsOf } from './fake-server.ts'

const FILES = { ...MYSQL_FILES, 'data/a/empty.ibd': '', 'data/a/large.ibd': content(3_000_001) }
const RESTORED = { ...FILES, 'data/a/large.ibd': content(3_000_001).toString('latin1') }
const EXTERNAL: Compression = { engine: 'external', enabled: true, level: 1, externalCompressor: 'zstd -c', manifestDecompressor: 'zstd -d -c' }
const onProgress = (): void => undefined

t.test('a backup is restored by the command that the operator names, or by the MANIFEST\'s where that is allowed, or by none that is needed', async (t) => {
  const cases: readonly (readonly [Compression, Decompression, Record<string, unknown>])[] = [
    [EXTERNAL, { externalDecompressor: 'zstd -d -c', useManifest: false }, { CompressionEngine: 'external', ExternalDecompressor: 'zstd -d -c' }],
    [EXTERNAL, { useManifest: true }, { CompressionEngine: 'external', SkipCompress: false }],
    [{ ...EXTERNAL, engine: 'pgzip', externalCompressor: 'gzip -c' }, { useManifest: false }, { CompressionEngine: 'pgzip' }],
    [{ engine: 'lz4', enabled: true, level: 1 }, { useManifest: false }, { CompressionEngine: 'lz4', ExternalDecompressor: '' }],
    [{ ...EXTERNAL, enabled: false }, { useManifest: false }, { CompressionEngine: 'external', SkipCompress: true }],
  ]
  for (const [compression, decompression, says] of cases) {
    await using it = await rig({}, FILES)
    const { manifest } = await it.backup(compression, 2)
    t.match(manifest, says, JSON.stringify(says))
    const engine = builtinRestoreEngine(decompression)
    const source = { from: it.storage.openBackup(SHARD, NAME), manifest: manifestWith(manifest) }
    await engine.verify(source, it.ctx)
    await engine.executeRestore({ ...source, to: directoriesIn(it.target), concurrency: 2, onProgress }, it.ctx)
    t.match(await it.restored(), RESTORED)
  }
})

t.test('what cannot be read here is refused before data are touched', async (t) => {
  await using it = await rig({}, FILES)
  const { manifest } = await it.backup(EXTERNAL)
  const source = { from: it.storage.openBackup(SHARD, NAME), manifest: manifestWith(manifest) }
  const refused = (decompression?: Decompression): Promise<unknown> => builtinRestoreEngine(decompression).verify(source, it.ctx)
  await t.rejects(refused(), { code: 'EXTERNAL_COMMAND_FAILED', message: /external-decompressor-use-manifest/ })
  await t.rejects(refused({ useManifest: false }), { code: 'EXTERNAL_COMMAND_FAILED' })
  await t.rejects(refused({ externalDecompressor: 'no-such-program -d', useManifest: true }), { code: 'EXTERNAL_COMMAND_FAILED', message: /no-such-program/ })
})

t.test('a decompressor that does not work here is not the backup\'s fault, unless what is stored is not what the MANIFEST says', async (t) => {
  await using it = await rig({}, FILES)
  const { manifest } = await it.backup(EXTERNAL)
  const entry = (manifest.FileEntries ?? []).findIndex(({ Name }) => Name === 'a/large.ibd')
  const restoreBy = async (externalDecompressor: string): Promise<void> => {
    const source = { from: it.storage.openBackup(SHARD, NAME), manifest: manifestWith(manifest) }
    const engine = builtinRestoreEngine({ externalDecompressor, useManifest: false })
    await engine.executeRestore({ ...source, to: directoriesIn(it.target), concurrency: 2, onProgress }, it.ctx)
  }
  const wrong = ['sh -c "echo no key >&2; exit 2"', 'cat', 'sh -c "cat > /dev/null"']
  for (const command of wrong) await t.rejects(restoreBy(command), { code: 'EXTERNAL_COMMAND_FAILED' }, command)
  const path = join(it.path, 'storage', SHARD.keyspace, SHARD.shard, NAME, String(entry))
  const damaged = await it.object(String(entry))
  damaged[1000] = (damaged[1000] ?? 0) ^ 1
  await writeFile(path, damaged)
  await t.rejects(restoreBy('zstd -d -c'), { code: 'BACKUP_CORRUPT', message: /has the hash [0-9a-f]{8}, the MANIFEST says/ })
})

t.test('a command may compress zeros better than any engine here', async (t) => {
  await using it = await rig({}, { ...MYSQL_FILES, 'data/a/zeros.ibd': Buffer.alloc(3 << 20) })
  const constant: Compression = { engine: 'external', enabled: true, level: 1, externalCompressor: `sh -c 'cat > /dev/null; printf x'` }
  const { manifest } = await it.backup(constant)
  const engine = builtinRestoreEngine({ externalDecompressor: 'head -c 3145728 /dev/zero', useManifest: false })
  await t.resolves(engine.verify({ from: it.storage.openBackup(SHARD, NAME), manifest: manifestWith(manifest) }, it.ctx))
})

t.test('a command that is missing or writes what its name does not mean is refused while the server serves', async (t) => {
  await using it = await rig({}, FILES)
  for (const externalCompressor of ['no-such-program -c', 'cat']) {
    const engine = builtinBackupEngine({ ...EXTERNAL, externalCompressor })
    await t.rejects(engine.preflight(factsOf(it.source)), { code: 'EXTERNAL_COMMAND_FAILED' }, externalCompressor)
  }
  await t.resolves(builtinBackupEngine(EXTERNAL).preflight(factsOf(it.source)), 'and a good one is not')
})

t.test('a storage that gives up while a command hangs ends the command', async (t) => {
  await using it = await rig({}, FILES)
  const running = join(it.path, 'running')
  const into: WritableBackup = {
    ...await it.storage.startBackup(SHARD, NAME, it.ctx),
    async writeFile(_, source) {
      const first = source[Symbol.asyncIterator]().next()
      first.catch(() => undefined)
      await waitFor('the command to run', () => existsSync(running))
      throw new TabletError('STORAGE_DENIED', 'no more')
    },
  }
  const engine = builtinBackupEngine({ ...EXTERNAL, externalCompressor: `sh -c 'touch ${running}; sleep 1000'` })
  await t.rejects(engine.executeBackup({ into, source: factsOf(it.source), concurrency: 1, onProgress }, it.ctx), { code: 'STORAGE_DENIED' })
})
