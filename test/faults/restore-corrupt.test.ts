/** Damaged and hostile backups: passed over with a reason, nothing leaves the directories, the next older one is restored. */
import { cp, open, readFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listBackups } from '../support/backups.ts'
import { untilSameTables } from '../support/checksum.ts'
import { backupDir, startDonor, storeAgain } from '../support/donor.ts'
import { forEachServer } from '../support/servers.ts'
import type { TestShard } from '../support/shard.ts'
import type { TestTablet } from '../support/tablet.ts'

type Manifest = Record<string, unknown> & { FileEntries: { Name: string, Hash: string, Size: number }[] }

/** What is done to the MANIFEST of a good backup. */
const MANIFESTS: Readonly<Record<string, (manifest: Manifest, shard: TestShard) => unknown>> = {
  'garbage': () => Buffer.from([0xff, 0x00, 0x7b, 0x13]),
  'cut short': (manifest) => JSON.stringify(manifest).slice(0, -200),
  'a path with ..': (manifest) => { first(manifest).Name = '../escaped' },
  'a path with .. in the middle': (manifest) => { first(manifest).Name = 'mysql/../../escaped' },
  'an absolute path': (manifest, shard) => { first(manifest).Name = join(shard.place.dir, 'escaped') },
  'a wrong hash': (manifest) => { first(manifest).Hash = 'deadbeef' },
  'an unknown engine': (manifest) => { manifest['BackupMethod'] = 'magic' },
  'a directory outside': (manifest) => { manifest['Directories'] = ['Data/../../escaped'] },
  'ten megabytes of nesting': () => `{"FileEntries":${'['.repeat(10_000_000)}`,
  'more entries than any server has files': () => `{"FileEntries":[${'{},'.repeat(5_000_000)}{}]}`,
  'sizes larger than the machine': (manifest) => { for (const entry of manifest.FileEntries) entry.Size = 2 ** 52 },
}

const first = (manifest: Manifest): Manifest['FileEntries'][number] => {
  const [entry] = manifest.FileEntries
  if (entry === undefined) throw new Error('the MANIFEST has no entry')
  return entry
}

/** What is done to the objects of a good backup. */
const OBJECTS: Readonly<Record<string, (object: string) => Promise<void>>> = {
  'an object with one byte changed': flipByte,
  'an object cut short': async (object) => { await truncate(object, Math.floor((await stat(object)).size / 2)) },
  'an object that is missing': (object) => rm(object),
}

forEachServer(t, 'corrupt and hostile backups are passed over with their reason, and the next older one is restored', async (t, server) => {
  await using shard = await startDonor(server)
  const primary = shard.tablet(0)
  const good = await shard.backup(primary, '--allow-primary')
  await primary.becomes('PRIMARY', { healthy: true })
  const bad = await damagedCopies(shard, good)

  const tablet = await shard.addTablet()
  const seen = await tablet.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })
  t.equal(seen.data.restoredFrom, good)
  await untilSameTables((sql) => primary.rows(sql), (sql) => tablet.rows(sql))
  t.same(await escaped(shard), [], 'nothing was written outside')

  const listed = await listBackups(tablet)
  const said = passedOver(tablet)
  for (const [name, what] of bad) {
    const about = listed.find((one) => one.name === name)
    t.ok(said.has(name), `${what}: the log names it`)
    if (/engine/.test(what)) continue   // no fault that another tablet would share
    t.match(about?.status, /^(corrupt|unreadable)$/, `${what}: the list says it`)
    t.ok((about?.reason ?? '').length > 10, `${what}: and why`)
  }

  await t.test('with only such backups a tablet waits, and never starts empty', async (t) => {
    await rename(backupDir(shard, good), join(shard.place.dir, 'kept'))
    const flipped = [...bad].find(([, what]) => what === 'an object with one byte changed')?.[0] ?? ''
    const waiting = await shard.addTablet()
    await waiting.waitFor('it says that none is usable', async () => {
      const { type, blockers } = await waiting.snapshot()
      return type === 'RESTORE' && blockers.some(({ code, message }) => code === 'NO_COMPLETE_BACKUP' && message.includes(flipped))
    }, 180_000)
    t.equal(waiting.pidOfMysqld(), undefined)
    t.notOk(existsSync(join(waiting.dataDir, '.tabletd.json')), 'no database was made of the directory')

    await cp(join(shard.place.dir, 'kept'), backupDir(shard, good), { recursive: true })
    t.equal((await waiting.becomes('REPLICA', { healthy: true, deadlineMs: 180_000 })).data.restoredFrom, good)
    await untilSameTables((sql) => primary.rows(sql), (sql) => waiting.rows(sql))
    t.same(await escaped(shard), [])
  })
})

/** Name → what is wrong with it; each newer than `good`. */
async function damagedCopies(shard: TestShard, good: string): Promise<ReadonlyMap<string, string>> {
  const bad = new Map<string, string>()
  const time = (): string => `2098-01-01.${String(100_000 + bad.size)}`
  for (const [what, change] of Object.entries(MANIFESTS)) {
    bad.set(await storeAgain(shard, good, time(), (manifest) => change(manifest as Manifest, shard)), what)
  }
  const manifest = JSON.parse(await readFile(join(backupDir(shard, good), 'MANIFEST'), 'utf8')) as Manifest
  const largest = manifest.FileEntries.reduce((best, { Size }, index) => Size > (manifest.FileEntries[best]?.Size ?? 0) ? index : best, 0)
  for (const [what, damage] of Object.entries(OBJECTS)) {
    const name = await storeAgain(shard, good, time())
    await damage(join(backupDir(shard, name), String(largest)))
    bad.set(name, what)
  }
  const unfinished = await storeAgain(shard, good, time())
  await rm(join(backupDir(shard, unfinished), 'MANIFEST'))
  const vast = await storeAgain(shard, good, time())
  await truncate(join(backupDir(shard, vast), 'MANIFEST'), 2 ** 30)
  return bad.set(vast, 'a MANIFEST of a gigabyte')
}

async function flipByte(object: string): Promise<void> {
  await using file = await open(object, 'r+')
  const byte = Buffer.alloc(1)
  const at = Math.floor((await file.stat()).size / 2)
  await file.read(byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ 0x40
  await file.write(byte, 0, 1, at)
}

async function escaped(shard: TestShard): Promise<readonly string[]> {
  return (await readdir(shard.place.dir, { recursive: true })).filter((path) => path.endsWith('escaped'))
}

/** Backups that the log says were passed over, before or after they were tried. */
function passedOver(tablet: TestTablet): ReadonlySet<string> {
  return new Set(tablet.log().filter(({ msg }) => /passed over|trying the next older/.test(msg ?? '')).map((line) => String(line['backup'])))
}
