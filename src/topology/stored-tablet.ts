/** One tablet's file: its record, who published it, and until when that counts. */
import type { TabletRecord } from '../model/records.ts'
import type { ShardName, TabletAlias } from '../model/tablet.ts'
import { parseFields } from './json-fields.ts'
import { mayStillRun, type Publisher } from './publisher.ts'
import { readTabletRecordFields } from './record-codec.ts'

export interface StoredTablet {
  readonly record: TabletRecord
  readonly publisher: Publisher
  /** On the monotonic clock of the publisher's boot; 0 when withdrawn. */
  readonly liveUntilMs: number
}

/** @throws TabletError TOPOLOGY_CORRUPT for anything but the record of that tablet. */
export function readStoredTablet(text: string, owner: ShardName & { readonly alias: TabletAlias }, place: string): StoredTablet {
  const fields = parseFields(text, place)
  const publisher = fields.fields('publisher')
  return {
    record: readTabletRecordFields(fields.fields('record'), owner, place),
    publisher: {
      pid: publisher.count('pid'), startTicks: publisher.text('startTicks'),
      bootId: publisher.text('bootId'), pidNamespace: publisher.text('pidNamespace'),
    },
    liveUntilMs: fields.count('liveUntilMs'),
  }
}

/** Whether the daemon that published it vouches for it now. */
export async function isLive(stored: StoredTablet, observer: Publisher, nowMs: number): Promise<boolean> {
  return nowMs < stored.liveUntilMs && await mayStillRun(stored.publisher, observer)
}
