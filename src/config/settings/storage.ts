/** Settings: where backups are kept. */
import { choice, path } from '../setting.ts'

export const STORAGE_SETTINGS = {
  'backup-storage-implementation': choice({
    default: undefined, vitess: true, values: ['file', 's3', 'gcs', 'azblob', 'ceph'],
    doc: 'Where backups are kept. Unset: this tablet neither takes nor restores backups.',
  }),
  'file-backup-storage-root': path({
    default: undefined, vitess: true,
    doc: 'Directory of the backups, with `backup-storage-implementation` file: a local disk or a network mount that all tablets of the shard see.',
  }),
} as const
