/**
 * What networks and stores do to requests, as one suite for every object store: each ends in success after repetition,
 * or in one clear code; never in a complete backup that is not, and never in an empty list.
 *
 * Faults are scripted at the protocol by a proxy in front of a real store.
 */
import { Readable } from 'node:stream'
import type { Test } from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { MANIFEST, type BackupStorage } from '../../src/storage/backup-storage.ts'
import { STEADY, type SteadyPolicy } from '../../src/storage/steady.ts'
import type { Fault, FaultProxy, Script, SeenRequest } from '../support/fault-proxy.ts'

export interface FaultyStore {
  readonly proxy: FaultProxy
  /** A storage in an empty place, reached through the proxy. It keeps parts of 5 to 8 MiB and pages of 5. */
  open(policy: SteadyPolicy): Promise<BackupStorage>
  /** An answer in the vendor's own form. */
  says(status: number, word: string, headers?: Readonly<Record<string, string>>): Fault
  /** Two requests of one name are the same one, repeated. */
  nameOf(seen: SeenRequest): string
  isSecondPart(seen: SeenRequest): boolean
  isRemoval(seen: SeenRequest): boolean
  readonly words: Readonly<Record<'expired' | 'full' | 'denied', readonly [status: number, word: string]>>
  /** Whether the store shows folders in pages too. */
  readonly pagesFolders: boolean
}

export const SHARD = { keyspace: 'commerce', shard: '-80' }
export const NAME = '2026-08-19.101500.zone1-0000000102'
const CONTENT = Buffer.alloc(12_000_000, 'abcdefg')
const QUICK: SteadyPolicy = { ...STEADY, attempts: 8, backoff: { firstMs: 5, maxMs: 20 }, stallMs: 1500 }
const ctx: ActionContext = { signal: new AbortController().signal, log: silentLogger() }
const source = (): Readable => Readable.from([CONTENT.subarray(0, 7_000_000), CONTENT.subarray(7_000_000)])
const readAll = async (storage: BackupStorage, range = {}): Promise<Buffer> =>
  Buffer.concat(await (await storage.openBackup(SHARD, NAME).readFile('0', range, ctx)).toArray() as Buffer[])

export function storageFaults(t: Test, store: FaultyStore): void {
  const { proxy } = store
  const open = async (policy: SteadyPolicy = QUICK): Promise<BackupStorage> => {
    proxy.play(() => undefined)
    return await store.open(policy)
  }
  passingFaults(t, store, open)
  brokenBodies(t, store, open)
  refusals(t, store, open)

  t.test('a pause is as long as Retry-After asks', async (t) => {
    const storage = await open()
    proxy.play((_seen, count) => count === 1 ? store.says(503, 'SlowDown', { 'retry-after': '1' }) : undefined)
    const began = performance.now()
    t.same(await storage.listBackups(SHARD, ctx), [])
    t.ok(performance.now() - began >= 990, `${performance.now() - began} ms`)
  })

  t.test('lists of three pages are whole, of backups and of files, and all of them are removed', async (t) => {
    const storage = await open()
    const names = Array.from({ length: 11 }, (_, index) => `2026-08-19.1015${String(index).padStart(2, '0')}.zone1-0000000102`)
    for (const name of names) await storage.startBackup(SHARD, name, ctx)
    let before = proxy.seen.length
    t.same(await storage.listBackups(SHARD, ctx), names)
    if (store.pagesFolders) t.equal(proxy.seen.length - before, 3)
    else t.comment('not had: a list of folders in pages; this emulator shows them all at once')
    const backup = await storage.startBackup(SHARD, NAME.replace('08', '09'), ctx)
    const files = Array.from({ length: 11 }, (_, index) => String(index)).sort()
    for (const file of files) await backup.writeFile(file, Readable.from([Buffer.from(file)]), { sizeHint: 2 }, ctx)
    before = proxy.seen.length
    t.same((await backup.confirmFiles(ctx)).map(({ file }) => file), files)
    t.equal(proxy.seen.length - before, 3)
    await backup.abort(ctx)
    t.same(await storage.listBackups(SHARD, ctx), names)
  })

  t.test('a store that never answers well ends in its code within the limit, never in an empty list', async (t) => {
    const storage = await open({ ...QUICK, attempts: 3, stallMs: 300 })
    for (const fault of [store.says(503, 'SlowDown'), { silence: true }] as const) {
      proxy.play(() => fault)
      await t.rejects(storage.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' })
      await t.rejects(storage.startBackup(SHARD, NAME, ctx), { code: 'STORAGE_UNREACHABLE' })
      await t.rejects(storage.openBackup(SHARD, NAME).readSmallFile(MANIFEST, 10, ctx), { code: 'STORAGE_UNREACHABLE' })
    }
    proxy.play(() => store.says(503, 'SlowDown', { 'retry-after': '86400' }))
    await t.rejects(storage.listBackups(SHARD, ctx), { code: 'STORAGE_UNREACHABLE' }, 'nobody waits for a day')
  })
}

type Open = (policy?: SteadyPolicy) => Promise<BackupStorage>

function passingFaults(t: Test, store: FaultyStore, open: Open): void {
  const { proxy } = store
  const passing: readonly (readonly [title: string, fault: Fault, most?: number])[] = [
    ['500', store.says(500, 'InternalError')],
    ['503 with Retry-After', store.says(503, 'SlowDown', { 'retry-after': '0' })],
    ['429', store.says(429, 'TooManyRequests')],
    ['an answer that is lost', { loseAnswer: true }],
    ['a request that is never answered', { silence: true }, 8],
  ]
  for (const [title, fault, most = Infinity] of passing) {
    t.test(`${title}, at ${most === Infinity ? 'every step' : `${most} steps`} of a backup, ends in success`, async (t) => {
      const storage = await open()
      // each request fails once, so every kind of them is hit
      const script = (): Script => {
        const hit = new Set<string>()
        return (seen) => {
          if (hit.has(store.nameOf(seen)) || hit.size >= most) return undefined
          hit.add(store.nameOf(seen))
          return fault
        }
      }
      proxy.play(script())
      const backup = await storage.startBackup(SHARD, NAME, ctx)
      t.same(await backup.writeFile('0', source(), { sizeHint: -1 }, ctx), { file: '0', bytes: CONTENT.length })
      t.same(await backup.confirmFiles(ctx), [{ file: '0', bytes: CONTENT.length }])
      await backup.writeManifest('{}', ctx)
      t.equal(Buffer.from(await backup.asReadable().readSmallFile(MANIFEST, 10, ctx)).toString(), '{}')
      t.ok((await readAll(storage)).equals(CONTENT))
      t.same(await storage.listBackups(SHARD, ctx), [NAME])
      proxy.play(script())
      await storage.removeBackup(SHARD, NAME, ctx)
      t.same(await storage.listBackups(SHARD, ctx), [])
    })
  }
}

function brokenBodies(t: Test, { proxy }: FaultyStore, open: Open): void {
  const broken: readonly (readonly [string, (count: number) => Fault])[] = [
    ['a reset', (count) => ({ resetAfter: count * 1_000_000 })],
    ['silence', (count) => ({ hangAfter: count * 1_000_000 })],
    ['an end with a fitting length', (count) => ({ truncateTo: count * 1_000_000 })],
  ]
  for (const [title, fault] of broken) {
    t.test(`${title} in the middle of a body: the read goes on where it broke off, inside its range`, async (t) => {
      const storage = await open()
      await (await storage.startBackup(SHARD, NAME, ctx)).writeFile('0', source(), { sizeHint: -1 }, ctx)
      proxy.play((_seen, count) => count <= 3 ? fault(count) : undefined)
      const before = proxy.seen.length
      t.ok((await readAll(storage, { start: 100, end: 11_000_000 })).equals(CONTENT.subarray(100, 11_000_000)))
      const ranges = proxy.seen.slice(before).map(({ headers }) => String(headers['x-ms-range'] ?? headers.range))
      t.equal(ranges.length, 4)
      t.equal(ranges[0], 'bytes=100-10999999')
      t.equal(new Set(ranges).size, 4, ranges.join())
      t.ok(ranges.every((range) => range.endsWith('-10999999')), 'none asks for more than was wanted')
    })
  }
}

function refusals(t: Test, store: FaultyStore, open: Open): void {
  const { proxy, words } = store
  const atSecondPart = async (t: Test, fault: Fault, code: string): Promise<void> => {
    const storage = await open()
    const backup = await storage.startBackup(SHARD, NAME, ctx)
    proxy.play((seen) => store.isSecondPart(seen) ? fault : undefined)
    const before = proxy.seen.length
    await t.rejects(backup.writeFile('0', source(), { sizeHint: -1 }, ctx), { code })
    t.equal(proxy.seen.slice(before).filter((seen) => store.isSecondPart(seen)).length, 1, 'it is not asked again')
    proxy.play(() => undefined)
    t.same(await backup.confirmFiles(ctx), [], 'no object is there')
    await t.rejects(storage.openBackup(SHARD, NAME).readSmallFile(MANIFEST, 10, ctx), { code: 'BACKUP_NOT_FOUND' }, 'and no MANIFEST')
  }
  t.test('credentials that expire in the middle of an upload are one clear code', async (t) => {
    await atSecondPart(t, store.says(...words.expired), 'STORAGE_DENIED')
  })
  t.test('a store that fills up in the middle of an upload is one clear code', async (t) => {
    await atSecondPart(t, store.says(...words.full), 'STORAGE_NO_SPACE')
  })

  t.test('a denied delete is one clear code, and what could not be removed is still listed', async (t) => {
    const storage = await open()
    await (await storage.startBackup(SHARD, NAME, ctx)).writeManifest('{}', ctx)
    proxy.play((seen) => store.isRemoval(seen) ? store.says(...words.denied) : undefined)
    await t.rejects(storage.removeBackup(SHARD, NAME, ctx), { code: 'STORAGE_DENIED' })
    proxy.play(() => undefined)
    t.same(await storage.listBackups(SHARD, ctx), [NAME])
    t.equal(Buffer.from(await storage.openBackup(SHARD, NAME).readSmallFile(MANIFEST, 10, ctx)).toString(), '{}')
  })
}
