/**
 * Records of the topology as text, and back. What is read is hostile: every field is checked, and a record that
 * stands in another record's place is refused. Any store that keeps JSON can use it.
 */
import type { ShardRecord, TabletRecord } from '../model/records.ts'
import { TABLET_TYPES, formatShardName, parseAlias, type ShardName, type TabletAlias, type TabletType } from '../model/tablet.ts'
import { corrupt, type Fields } from './json-fields.ts'

/** The shard record in `fields`, which must be the one of `shard`. */
export function readShardRecordFields(fields: Fields, shard: ShardName, place: string): ShardRecord {
  const [former, start, claimed] = [fields.optionalText('former'), fields.optionalText('start'), fields.optionalTrue('claimed')]
  const record: ShardRecord = {
    keyspace: fields.text('keyspace'),
    shard: fields.text('shard'),
    primary: aliasIn(fields.text('primary'), place),
    term: fields.count('term'),
    since: timeIn(fields.text('since'), place),
    ...former !== undefined && { former: aliasIn(former, place) },
    ...start !== undefined && { start: positionIn(start, place) },
    ...claimed !== undefined && { claimed },
  }
  if (record.keyspace !== shard.keyspace || record.shard !== shard.shard) {
    throw corrupt(place, `it is the record of ${formatShardName(record)}`)
  }
  if (record.term < 1) throw corrupt(place, 'term must be 1 or more')
  return record
}

/** The tablet record in `fields`, which must be the one of `alias` in `shard`. */
export function readTabletRecordFields(fields: Fields, owner: ShardName & { readonly alias: TabletAlias }, place: string): TabletRecord {
  const [serverUuid, serverId] = [fields.optionalText('serverUuid'), fields.optionalCount('serverId')]
  const record: TabletRecord = {
    alias: aliasIn(fields.text('alias'), place),
    type: typeIn(fields.text('type'), place),
    keyspace: fields.text('keyspace'),
    shard: fields.text('shard'),
    hostname: fields.text('hostname'),
    mysqlPort: portIn(fields.count('mysqlPort'), place),
    httpPort: portIn(fields.count('httpPort'), place),
    startedAt: timeIn(fields.text('startedAt'), place),
    ...serverUuid !== undefined && { serverUuid },
    ...serverId !== undefined && { serverId },
    tags: fields.texts('tags'),
  }
  if (record.keyspace !== owner.keyspace || record.shard !== owner.shard || record.alias !== owner.alias) {
    throw corrupt(place, `it is the record of ${record.alias} in ${formatShardName(record)}`)
  }
  return record
}

function aliasIn(text: string, place: string): TabletAlias {
  const alias = canonicalAlias(text)
  if (alias !== text) throw corrupt(place, `"${text.slice(0, 80)}" is no tablet alias`)
  return alias
}

/** The canonical spelling, or undefined for what is no alias. */
export function canonicalAlias(text: string): TabletAlias | undefined {
  try {
    return parseAlias(text)
  } catch {
    return undefined
  }
}

function timeIn(text: string, place: string): string {
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(Date.parse(text))) throw corrupt(place, `"${text.slice(0, 80)}" is no time`)
  return text
}

function positionIn(text: string, place: string): string {
  if (!/^(?:MySQL56|MariaDB)\/[-\w:,\s]*$/.test(text)) throw corrupt(place, 'start is no position')
  return text
}

function typeIn(text: string, place: string): TabletType {
  const type = TABLET_TYPES.find((known) => known === text)
  if (type === undefined) throw corrupt(place, `"${text.slice(0, 80)}" is no tablet type`)
  return type
}

function portIn(port: number, place: string): number {
  if (port > 65_535) throw corrupt(place, `${port} is no port`)
  return port
}
