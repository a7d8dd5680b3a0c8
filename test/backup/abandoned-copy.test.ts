/** What is left of a backup whose storage hung and whose tablet was given back meanwhile. */
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { orAbandon } from '../../src/base/action.ts'
import { takeBackup, type TakeBackupRequest } from '../../src/backup/take-backup.ts'
import type { BackupEngine } from '../../src/engine/backup-engine.ts'
import type { BackupStorage, WritableBackup } from '../../src/storage/backup-storage.ts'
import { ctx } from '../replication/builders.ts'

const SHARD = { keyspace: 'commerce', shard: '0' }
const ENGINE: BackupEngine = {
  name: 'builtin', properties: { mysqldDuringBackup: 'stopped' }, preflight: () => Promise.resolve(),
  executeBackup: () => { throw new Error('nothing is copied') },
}

t.test('storage that answers after the cancel touches neither the server nor a MANIFEST', async (t) => {
  const touched: string[] = []
  const mounted = Promise.withResolvers<WritableBackup>()
  const takenBack = Promise.withResolvers<void>()
  const touch = (what: string) => (): never => { throw new Error(`${what} ${touched.push(what)}`) }
  const place: WritableBackup = {
    shard: SHARD, name: 'b', writeFile: touch('write'), confirmFiles: touch('confirm'), writeManifest: touch('manifest'), asReadable: touch('read'),
    abort: () => { takenBack.resolve(); return Promise.resolve() },
  }
  const storage: BackupStorage = {
    kind: 'hung', listBackups: touch('list'), openBackup: touch('open'), removeBackup: touch('remove'), startBackup: () => mounted.promise,
  }
  const request: TakeBackupRequest = {
    shard: SHARD, name: 'b', prepare: touch('server'), concurrency: 1, onFailed: () => undefined,
    onStep: () => Promise.resolve(), onProgress: () => undefined,
  }
  const stop = new AbortController()
  const backup = orAbandon(takeBackup(request, { engine: ENGINE, storage }, { ...ctx, signal: stop.signal }), 0, stop.signal)
  stop.abort(new TabletError('OPERATION_CANCELLED', 'cancelled'))
  await t.rejects(backup, { code: 'OPERATION_CANCELLED' }, 'the cancel does not wait for the storage')
  mounted.resolve(place)
  await takenBack.promise
  t.same(touched, [], 'and what was begun is taken back')
})
