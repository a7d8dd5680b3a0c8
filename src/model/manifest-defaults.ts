/** What a manifest means where it says nothing (reference: vitess-backup.md 2.9). */
import type { BackupManifest, EngineManifest } from './manifest.ts'

/** Manifests of before 2019 name no engine: there was only one. */
export const engineNameOf = (manifest: EngineManifest): string => manifest.BackupMethod === '' ? 'builtin' : manifest.BackupMethod

/** `none`, or the name of the compression: gzip before it was recorded (v15). */
export function compressionOf(manifest: EngineManifest): string {
  if (manifest.SkipCompress === true) return 'none'
  return manifest.CompressionEngine === undefined || manifest.CompressionEngine === '' ? 'pgzip' : manifest.CompressionEngine
}

/** Whether it stands on its own; an incremental one holds only binary logs. */
export const isFullBackup = (manifest: BackupManifest): boolean => !manifest.Incremental && manifest.FromPosition === ''
