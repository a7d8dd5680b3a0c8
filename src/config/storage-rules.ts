/** What each backup storage needs to be told. Pure. */
import type { PartialConfig } from './derive.ts'
import type { SettingName } from './settings.ts'

interface Need {
  readonly kind: NonNullable<PartialConfig['backup-storage-implementation']>
  readonly where: SettingName
}

const NEEDS: readonly Need[] = [
  { kind: 's3', where: 's3-backup-storage-bucket' },
  { kind: 'gcs', where: 'gcs-backup-storage-bucket' },
  { kind: 'azblob', where: 'azblob-backup-container-name' },
]

export function storageProblems(config: PartialConfig): readonly { readonly where: SettingName, readonly what: string }[] {
  return NEEDS.filter(({ kind, where }) => config['backup-storage-implementation'] === kind && config[where] === undefined)
    .map(({ kind, where }) => ({ where, what: `is needed with backup-storage-implementation ${kind}` }))
}
