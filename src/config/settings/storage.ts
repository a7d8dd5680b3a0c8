/** Settings: where backups are kept, and how their files are compressed. */
import { boolean, choice, integer, path } from '../setting.ts'

export const STORAGE_SETTINGS = {
  'backup-storage-implementation': choice({
    default: undefined, vitess: true, values: ['file', 's3', 'gcs', 'azblob', 'ceph'],
    doc: 'Where backups are kept. Unset: this tablet neither takes nor restores backups.',
  }),
  'file-backup-storage-root': path({
    default: undefined, vitess: true,
    doc: 'Directory of the backups, with `backup-storage-implementation` file: a local disk or a network mount that all tablets of the shard see.',
  }),
  'backup-storage-compress': boolean({
    default: true, vitess: true, doc: 'Whether the files of a backup are compressed.',
  }),
  'compression-engine-name': choice({
    default: 'zstd', vitess: true, values: ['zstd', 'pgzip', 'pargzip'], later: ['lz4', 'external'],
    doc: 'Compression of new backups; a restore reads whichever the backup names. pgzip and pargzip both write gzip.',
    reason: 'Vitess has pargzip; zstd is several times faster at the same size, and Vitess reads it as well.',
  }),
  'compression-level': integer({
    default: 1, vitess: true, min: 1, max: 19,
    doc: 'Compression level: 1 to 19 with zstd, 1 to 9 with pgzip and pargzip.',
    reason: 'Vitess\'s. Higher levels cost far more time than they save space on table files.',
  }),
} as const
