/** What shard commands ask of tablets. Declared by the one who asks; tabletctl's HTTP client fits itself to it. */
import type { ActionContext } from '../base/action.ts'
import type { TabletRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'

export interface TabletClient {
  /** A freshly observed snapshot: GET /v1/tablet?fresh=1, within a few seconds. @throws TabletError TABLET_UNREACHABLE */
  observe(tablet: TabletRecord, ctx: ActionContext): Promise<TabletSnapshot>
  /** PUT /v1/tablet/type. */
  setType(tablet: TabletRecord, type: 'drained' | 'target', ctx: ActionContext): Promise<TabletSnapshot>
  /** Makes the daemon read the topology now: POST /v1/tablet/wake. */
  wake(tablet: TabletRecord, ctx: ActionContext): Promise<void>
}
