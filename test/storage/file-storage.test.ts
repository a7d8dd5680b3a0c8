import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { fileStorage } from '../../src/storage/file-storage.ts'
import { storageError } from '../../src/storage/storage-errors.ts'
import { backupStorageContract } from '../contract/backup-storage.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { tempDir } from '../support/temp-dir.ts'

const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }
const SHARD = { keyspace: 'commerce', shard: '0' }
const HINT = { sizeHint: -1 }
const from = (...chunks: readonly string[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)))

backupStorageContract(t, 'file', async () => {
  const dir = await tempDir()
  return { storage: fileStorage({ root: dir.path }), [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
})

t.test('the layout is Vitess\'s: root, keyspace, shard, name, file', async (t) => {
  await using dir = await tempDir()
  const backup = await fileStorage({ root: dir.path }).startBackup(SHARD, 'b', ctx)
  await backup.writeFile('0', from('x'), HINT, ctx)
  await backup.writeManifest('{}', ctx)
  const all = await readdir(dir.path, { recursive: true })
  t.same(all.sort(), ['commerce', 'commerce/0', 'commerce/0/b', 'commerce/0/b/0', 'commerce/0/b/MANIFEST'])
})

t.test('nothing has permission bits for the world, even with umask 0', async (t) => {
  await using dir = await tempDir()
  const before = process.umask(0)
  try {
    const backup = await fileStorage({ root: dir.path }).startBackup(SHARD, 'b', ctx)
    await backup.writeFile('0', from('x'), HINT, ctx)
    await backup.writeManifest('{}', ctx)
  } finally {
    process.umask(before)
  }
  const mode = (path: string): string => (statSync(join(dir.path, path)).mode & 0o777).toString(8)
  t.same(['commerce', 'commerce/0', 'commerce/0/b', 'commerce/0/b/0', 'commerce/0/b/MANIFEST'].map(mode), ['770', '770', '770', '660', '660'])
})

t.test('a root that is gone is unreachable storage, never "no backups"', async (t) => {
  await using dir = await tempDir()
  const root = join(dir.path, 'mount')
  const storage = fileStorage({ root })
  for (const make of [() => undefined, () => { writeFileSync(root, 'a file') }]) {
    make()
    await t.rejects(storage.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(storage.startBackup(SHARD, 'b', ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(storage.removeBackup(SHARD, 'b', ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(storage.openBackup(SHARD, 'b').listFiles(ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(storage.openBackup(SHARD, 'b').readFile('0', {}, ctx), { code: 'STORAGE_UNREACHABLE' })
    await t.rejects(storage.openBackup(SHARD, 'b').readSmallFile('0', 10, ctx), { code: 'STORAGE_UNREACHABLE' })
  }
})

t.test('a write into a backup that somebody removed fails', async (t) => {
  await using dir = await tempDir()
  const backup = await fileStorage({ root: dir.path }).startBackup(SHARD, 'b', ctx)
  renameSync(join(dir.path, 'commerce/0/b'), join(dir.path, 'commerce/0/c'))
  const gone = { code: 'STORAGE_UNREACHABLE', message: /unmounted, or removed/ }
  await t.rejects(backup.writeFile('0', from('x'), HINT, ctx), gone)
  await t.rejects(backup.writeManifest('{}', ctx), gone)
})

t.test('files and links beside the backups are no backups, and temporary files are no objects', async (t) => {
  await using dir = await tempDir()
  const storage = fileStorage({ root: dir.path })
  await storage.startBackup(SHARD, 'b', ctx)
  const shard = join(dir.path, 'commerce/0')
  writeFileSync(join(shard, 'a-file'), '')
  symlinkSync('b', join(shard, 'a-link'))
  mkdirSync(join(shard, '.hidden'))
  writeFileSync(join(shard, 'b/.1234.tmp'), 'half')
  mkdirSync(join(shard, 'b/directory'))
  t.same(await storage.listBackups(SHARD, ctx), ['b'])
  t.same(await storage.openBackup(SHARD, 'b').listFiles(ctx), [])
})

t.test('links that lead out of the root are refused', async (t) => {
  await using dir = await tempDir()
  await using elsewhere = await tempDir()
  const storage = fileStorage({ root: dir.path })
  const backup = await storage.startBackup(SHARD, 'b', ctx)
  writeFileSync(join(elsewhere.path, 'secret'), 'secret')
  symlinkSync(join(elsewhere.path, 'secret'), join(dir.path, 'commerce/0/b/0'))
  symlinkSync(elsewhere.path, join(dir.path, 'commerce/0/out'))
  symlinkSync(elsewhere.path, join(dir.path, 'linked'))
  await t.rejects(backup.asReadable().readFile('0', {}, ctx), { code: 'PATH_ESCAPES' }, 'an object')
  await t.rejects(backup.asReadable().readSmallFile('0', 100, ctx), { code: 'PATH_ESCAPES' }, 'a small object')
  const out = storage.openBackup(SHARD, 'out')
  await t.rejects(out.listFiles(ctx), { code: 'PATH_ESCAPES' }, 'listing a backup')
  await t.rejects(out.readFile('secret', {}, ctx), { code: 'PATH_ESCAPES' }, 'reading a backup')
  await t.rejects(storage.removeBackup(SHARD, 'out', ctx), { code: 'PATH_ESCAPES' }, 'removing a backup')
  mkdirSync(join(elsewhere.path, '0'))
  await t.rejects(storage.listBackups({ keyspace: 'linked', shard: '0' }, ctx), { code: 'PATH_ESCAPES' }, 'listing a shard')
  await t.rejects(storage.startBackup({ keyspace: 'linked', shard: '0' }, 'b', ctx), { code: 'PATH_ESCAPES' }, 'writing to a shard')
  t.same(readdirSync(elsewhere.path).sort(), ['0', 'secret'], 'nothing was written or removed there')
  t.ok(existsSync(join(elsewhere.path, 'secret')))
})

t.test('a second attempt replaces a link by a file instead of writing through it', async (t) => {
  await using dir = await tempDir()
  const storage = fileStorage({ root: dir.path })
  const backup = await storage.startBackup(SHARD, 'b', ctx)
  writeFileSync(join(dir.path, 'victim'), 'untouched')
  symlinkSync(join(dir.path, 'victim'), join(dir.path, 'commerce/0/b/0'))
  await backup.writeFile('0', from('new'), HINT, ctx)
  t.equal(statSync(join(dir.path, 'victim')).size, 9)
  t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: 3 }])
})

t.test('a stream fails when the file gets shorter than it was at open', async (t) => {
  await using dir = await tempDir()
  const backup = await fileStorage({ root: dir.path }).startBackup(SHARD, 'b', ctx)
  await backup.writeFile('0', from('x'.repeat(5_000_000)), HINT, ctx)
  const stream = await backup.asReadable().readFile('0', {}, ctx)
  truncateSync(join(dir.path, 'commerce/0/b/0'), 3_000_000)
  await t.rejects(stream.toArray(), { code: 'STORAGE_FAILED', message: /ended at byte 3000000 of 5000000/ })
})

t.test('a full file system is STORAGE_NO_SPACE and leaves no object', { skip: process.getuid?.() === 0 ? false : 'mounting needs root' }, async (t) => {
  await using dir = await tempDir()
  const root = join(dir.path, 'small')
  mkdirSync(root)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root], { stdio: 'ignore' })
  } catch {
    t.comment('this machine does not let root mount a tmpfs')
    return
  }
  try {
    const backup = await fileStorage({ root }).startBackup(SHARD, 'b', ctx)
    await t.rejects(backup.writeFile('0', from(...Array.from({ length: 30 }, () => 'x'.repeat(100_000))), HINT, ctx), { code: 'STORAGE_NO_SPACE' })
    t.same(await backup.confirmFiles(ctx), [])
    t.same(readdirSync(join(root, 'commerce/0/b')), [], 'not even a temporary file')
    execFileSync('mount', ['-o', 'remount,ro', root])
    await t.rejects(backup.writeFile('0', from('x'), HINT, ctx), { code: 'STORAGE_DENIED' }, 'read-only')
    await t.rejects(fileStorage({ root }).removeBackup(SHARD, 'b', ctx), { code: 'STORAGE_DENIED' }, 'read-only')
  } finally {
    execFileSync('umount', [root])
  }
})

t.test('a directory without permission is STORAGE_DENIED', { skip: process.getuid?.() === 0 ? 'root may do everything' : false }, async (t) => {
  await using dir = await tempDir()
  const storage = fileStorage({ root: dir.path })
  await storage.startBackup(SHARD, 'b', ctx)
  chmodSync(join(dir.path, 'commerce/0'), 0)
  await t.rejects(storage.listBackups(SHARD, ctx), { code: 'STORAGE_DENIED' })
  chmodSync(join(dir.path, 'commerce/0'), 0o700)
})

t.test('every error of the system has its code', (t) => {
  const table: Readonly<Record<string, string>> = {
    ENOSPC: 'STORAGE_NO_SPACE', EDQUOT: 'STORAGE_NO_SPACE', EACCES: 'STORAGE_DENIED', EPERM: 'STORAGE_DENIED', EROFS: 'STORAGE_DENIED',
    ELOOP: 'PATH_ESCAPES', ESTALE: 'STORAGE_UNREACHABLE', ENOTCONN: 'STORAGE_UNREACHABLE', EIO: 'STORAGE_FAILED', ENOENT: 'STORAGE_FAILED',
  }
  for (const [errno, code] of Object.entries(table)) {
    const error = storageError('write 0', Object.assign(new Error(`${errno}: from the system`), { code: errno }))
    t.match(error, { code, message: `cannot write 0: ${errno}: from the system` }, errno)
  }
  t.end()
})

leavesNothingBehind(t)
