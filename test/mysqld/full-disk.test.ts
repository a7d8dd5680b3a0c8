/** A private boot that fails for want of room says so, whatever words the server has for it: the backup is not to blame. */
import { readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { ownBootPlan } from '../../src/mysqld/boot-plan.ts'
import { placeWithoutRoom, placesWrittenBy } from '../../src/mysqld/full-disk.ts'
import { withPrivateBoot } from '../../src/mysqld/private-boot.ts'
import { openTestProcess } from '../support/mysqld-process.ts'
import { runProgram } from '../support/run-program.ts'
import { forEachServer, type TestServer } from '../support/servers.ts'
import { canMount, smallFileSystem } from '../support/small-file-system.ts'
import { copyTemplate } from '../support/template.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(280_000)

const codeOf = (error: unknown): string => error instanceof TabletError ? error.code : String(error)

const onFullDisk = async (t: Test, server: TestServer): Promise<void> => {
  await using box = await openTestProcess(server, { template: false })
  await using small = await smallFileSystem(box.dataDir, '400m')
  await copyTemplate(server, box.dataDir)
  const runAs = process.getuid?.() === 0 ? { name: 'root', uid: 0, gid: 0 } : undefined
  const inert = { mysqldPath: server.mysqldPath, runAs, parent: box.tabletDir, plan: ownBootPlan(box.options) }
  const boot = (): Promise<void> => withPrivateBoot(inert, () => Promise.resolve(), box.ctx)
  const ballast = join(small.path, '.ballast')
  for (const spareMb of [0, 1, 5]) {
    for (const name of readdirSync(small.path)) if (/^ibtmp|^#innodb_temp/.test(name)) rmSync(join(small.path, name), { recursive: true })
    const { bavail, bsize } = statfsSync(small.path)
    t.match(await runProgram('fallocate', ['-l', String(bavail * bsize - spareMb * 2 ** 20), ballast]), { code: 0 })
    const code = await boot().then(() => 'started', codeOf)
    t.ok(code === 'NO_SPACE' || (spareMb > 0 && code === 'started'), `with ${spareMb} MB: ${code}`)   // a frugal server may get along
    rmSync(ballast)
  }
  await boot()
}

if (await canMount()) forEachServer(t, 'a boot of sound data on a full file system ends in NO_SPACE, and succeeds when there is room', onFullDisk)
else t.test('a boot on a full file system', { skip: 'this process may not mount' }, () => undefined)

t.test('logs need little room, and where the data are at fault all places do', (t) => {
  const plan = {
    dataDir: '/data', undoDir: '/undo', innodbLogHome: '/redo', directory: '/tablet/private',
    binlog: { base: '/binlogs/binlog', serverId: 1 }, relayLogBase: '/relay/relay',
  }
  const logs = ['/redo', '/tablet/private', '/binlogs', '/relay']
  const made = ['/data', undefined, '/undo']
  t.same(placesWrittenBy(plan, 'PRIVATE_BOOT_FAILED'), { filesMadeIn: made, writtenIn: logs })
  t.same(placesWrittenBy(plan, 'DATADIR_UNREADABLE'), { filesMadeIn: [], writtenIn: [...made, ...logs] })
  t.same(placesWrittenBy({ dataDir: '/data', directory: '/private' }, 'PRIVATE_BOOT_FAILED'),
    { filesMadeIn: ['/data', undefined, undefined], writtenIn: [undefined, '/private'] })
  t.end()
})

t.test('a small file system is no full one where the server only adds to what is there', { skip: !await canMount() && 'this process may not mount' }, async (t) => {
  await using dir = await tempDir()
  await using small = await smallFileSystem(join(dir.path, 'small'), '8m')
  t.equal(await placeWithoutRoom({ filesMadeIn: [dir.path], writtenIn: [small.path, undefined] }), undefined)
  t.equal(await placeWithoutRoom({ filesMadeIn: [undefined, small.path], writtenIn: [] }), small.path)
  t.match(await runProgram('fallocate', ['-l', '7900k', join(small.path, 'ballast')]), { code: 0 })
  t.equal(await placeWithoutRoom({ filesMadeIn: [join(dir.path, 'none')], writtenIn: [small.path] }), small.path)
})
