/** DRAINED and back, and that a named primary is never drained. */
import t from 'tap'
import { silentLogger } from '../../src/base/logger.ts'
import { LocalState } from '../../src/daemon/local-state.ts'
import { Origin } from '../../src/daemon/origin.ts'
import { setTabletType } from '../../src/daemon/set-type.ts'
import { TabletManager } from '../../src/daemon/tablet-manager.ts'
import type { TabletEvent } from '../../src/model/tablet-state.ts'
import type { ShardRecord } from '../../src/model/records.ts'
import { alias, record } from '../replication/builders.ts'
import { identity } from './builders.ts'
import { tempDir } from '../support/temp-dir.ts'

const ME = alias(102)

/** A tablet that went through `events`, remembers `known`, and whose directories are `path`. */
async function tablet(path: string, events: readonly TabletEvent[], known?: ShardRecord) {
  const state = await LocalState.open(path)
  const origin = await Origin.open(path)
  await origin.markFound()
  if (known !== undefined) await state.remember({ shardRecord: known })
  const manager = new TabletManager({ targetType: 'REPLICA', isDrained: () => state.memory.drained, log: silentLogger() })
  for (const event of events) manager.apply(event, 'the test')
  return { tablet: identity(ME), state, origin, manager }
}

t.test('a drained tablet says so in both directories, and its type is DRAINED', async (t) => {
  await using dir = await tempDir()
  const parts = await tablet(dir.path, ['data-found', 'healthy'], record())
  await setTabletType('drained', parts)
  t.equal(parts.manager.type, 'DRAINED')
  t.equal((await LocalState.open(dir.path)).memory.drained, true)
  t.equal((await Origin.open(dir.path)).drained, true)
  await setTabletType('drained', parts)
  t.equal(parts.manager.type, 'DRAINED', 'twice is as good as once')
  await setTabletType('target', parts)
  t.equal(parts.manager.type, 'SPARE', 'on its way to its target type')
  t.equal((await LocalState.open(dir.path)).memory.drained, false)
  t.equal((await Origin.open(dir.path)).drained, false)
})

t.test('putting back a tablet that is not drained changes nothing', async (t) => {
  await using dir = await tempDir()
  const parts = await tablet(dir.path, ['data-found', 'healthy'])
  await setTabletType('target', parts)
  t.equal(parts.manager.type, 'REPLICA')
})

for (const [what, began, ended] of [['a backup', 'cold-backup-began', 'backup-ended'], ['a restore', 'restore-began', 'restored']] as const) {
  t.test(`during ${what} a drain is remembered, and applied when it ends`, async (t) => {
    await using dir = await tempDir()
    const parts = await tablet(dir.path, ['data-found', began])
    await setTabletType('drained', parts)
    t.equal(parts.manager.type, began === 'restore-began' ? 'RESTORE' : 'BACKUP')
    parts.manager.apply(ended, 'the test')
    t.equal(parts.manager.type, 'DRAINED')
  })

  t.test(`during ${what} of a drained tablet it can be put back`, async (t) => {
    await using dir = await tempDir()
    const parts = await tablet(dir.path, ['data-found'])
    await setTabletType('drained', parts)
    parts.manager.apply(began, 'the test')
    await setTabletType('target', parts)
    parts.manager.apply(ended, 'the test')
    t.equal(parts.manager.type, 'SPARE')
  })
}

t.test('the tablet that the newest record names is refused in every type', async (t) => {
  const named: readonly (readonly TabletEvent[])[] =
    [[], ['data-found'], ['data-found', 'promoted'], ['data-found', 'cold-backup-began'], ['restore-needed'], ['data-found', 'healthy']]
  for (const events of named) {
    await using dir = await tempDir()
    const parts = await tablet(dir.path, events, record({ primary: ME }))
    await t.rejects(setTabletType('drained', parts), { code: 'TYPE_FORBIDS' }, events.join(' ') || 'starting')
    t.equal(parts.state.memory.drained, false)
    t.equal(parts.origin.drained, false)
    await t.resolves(setTabletType('target', parts), 'putting it back is no danger')
  }
})

t.test('a primary that runs on without a record that names it is refused as well', async (t) => {
  await using dir = await tempDir()
  const parts = await tablet(dir.path, ['primary-ran-on'])
  await t.rejects(setTabletType('drained', parts), { code: 'TYPE_FORBIDS' })
})
