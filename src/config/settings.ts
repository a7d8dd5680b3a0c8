/**
 * The one table of settings, joined from its areas. Types, flags, environment names, help and docs/settings.md
 * derive from it; a setting is added by adding its row.
 */
import type { AnySetting, ValueOf } from './setting.ts'
import { BACKUP_SETTINGS } from './settings/backup.ts'
import { COMPRESSION_SETTINGS } from './settings/compression.ts'
import { HEALTH_SETTINGS } from './settings/health.ts'
import { HTTP_SETTINGS } from './settings/http.ts'
import { MYSQLD_SETTINGS } from './settings/mysqld.ts'
import { OBJECT_STORE_SETTINGS } from './settings/object-stores.ts'
import { REPLICATION_SETTINGS } from './settings/replication.ts'
import { RESTORE_SETTINGS } from './settings/restore.ts'
import { STORAGE_SETTINGS } from './settings/storage.ts'
import { TABLET_SETTINGS } from './settings/tablet.ts'
import { TOPOLOGY_SETTINGS } from './settings/topology.ts'

export const SETTINGS = {
  ...TABLET_SETTINGS, ...MYSQLD_SETTINGS, ...TOPOLOGY_SETTINGS, ...STORAGE_SETTINGS, ...OBJECT_STORE_SETTINGS,
  ...BACKUP_SETTINGS, ...COMPRESSION_SETTINGS, ...RESTORE_SETTINGS, ...REPLICATION_SETTINGS, ...HEALTH_SETTINGS, ...HTTP_SETTINGS,
} as const

export type SettingName = keyof typeof SETTINGS

/** Every setting with its value, frozen; durations are milliseconds, paths absolute. */
export type Config = { readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N]> }

/** In the order of help and documents. */
export const SETTING_AREAS: readonly { readonly title: string, readonly settings: Readonly<Record<string, AnySetting>> }[] = [
  { title: 'Tablet', settings: TABLET_SETTINGS },
  { title: 'mysqld', settings: MYSQLD_SETTINGS },
  { title: 'Topology', settings: TOPOLOGY_SETTINGS },
  { title: 'Backup storage', settings: STORAGE_SETTINGS },
  { title: 'Object stores', settings: OBJECT_STORE_SETTINGS },
  { title: 'Backup', settings: BACKUP_SETTINGS },
  { title: 'Compression', settings: COMPRESSION_SETTINGS },
  { title: 'Restore', settings: RESTORE_SETTINGS },
  { title: 'Replication and health', settings: { ...REPLICATION_SETTINGS, ...HEALTH_SETTINGS } },
  { title: 'HTTP', settings: HTTP_SETTINGS },
]

export const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name)
export const settingNamed = (name: SettingName): AnySetting => SETTINGS[name]
export const flagName = (name: string): string => `--${name}`
export const environmentName = (name: string): string => `TABLETD_${name.replaceAll('-', '_').toUpperCase()}`
