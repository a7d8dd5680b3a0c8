/** DRAINED and back: the one type that an operator chooses and that survives restarts. */
import { TabletError } from '../base/errors.ts'
import type { Parts } from './parts.ts'

/** @throws TabletError TYPE_FORBIDS for the primary of the newest record read, whatever its type now. */
export async function setTabletType(
  type: 'drained' | 'target', { tablet, state, origin, manager }: Pick<Parts, 'tablet' | 'state' | 'origin' | 'manager'>,
): Promise<void> {
  const named = state.memory.shardRecord?.primary === tablet.alias
  if (type === 'drained' && (named || manager.state === 'primary')) {
    throw new TabletError('TYPE_FORBIDS', `cannot drain ${tablet.alias}: the shard record names it primary; name another tablet first`)
  }
  const drained = type === 'drained'
  await state.remember({ drained })
  await origin.setDrained(drained)
  // during a backup or a restore it is remembered, and applied when that ends
  if (drained && manager.canApply('drained')) manager.apply('drained', 'an operator drained it')
  if (!drained && manager.canApply('undrained')) manager.apply('undrained', 'an operator put it back')
}
