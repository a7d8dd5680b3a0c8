/** Settings: object stores of backups, under Vitess's names. */
import { boolean, duration, integer, path, secretFile, text } from '../setting.ts'

const KEY_TEXT = { what: 'part of a name', matches: /^[^\0-\x1f\x7f]+$/ }

export const OBJECT_STORE_SETTINGS = {
  'backup-storage-stall-timeout': duration({
    default: 60_000, min: 1000, max: 3_600_000,
    doc: 'How long one request to the backup storage may move no byte before it is ended and tried again.',
    reason: 'Longer than the slowest answer of a store that works; Vitess waits for ever.',
  }),
  'backup-storage-retry-timeout': duration({
    default: 600_000, min: 0, max: 86_400_000,
    doc: 'How long a request to the backup storage is tried again, from its first failure, before the backup or restore fails.',
    reason: 'Outlasts a restart of the store; the operation itself is tried again later.',
  }),
  's3-backup-aws-region': text({ default: 'us-east-1', vitess: true, doc: 'Region of the bucket.' }),
  's3-backup-aws-endpoint': text({
    default: undefined, vitess: true,
    doc: 'Address of a store that speaks the protocol of S3, with https:// unless it names a scheme. Unset: Amazon\'s, by region.',
  }),
  's3-backup-aws-retries': integer({
    default: -1, vitess: true, min: -1, max: 1000,
    doc: 'How often a request is tried again; -1 leaves it to tabletd, which tries 9 times.', reason: 'Vitess\'s.',
  }),
  's3-backup-aws-min-partsize': integer({
    default: 5_242_880, vitess: true, min: 5_242_880, max: 5_368_709_120,
    doc: 'Bytes of the smallest part of an upload; large files are sent in larger ones.', reason: 'Vitess\'s, and the least that S3 takes.',
  }),
  's3-backup-storage-bucket': text({ default: undefined, vitess: true, doc: 'Bucket of the backups.' }),
  's3-backup-storage-root': text({
    default: undefined, vitess: true, ...KEY_TEXT, doc: 'What stands before `/<keyspace>` in the names of objects, without a slash at either end.',
  }),
  's3-backup-force-path-style': boolean({ default: false, vitess: true, doc: 'Whether the bucket stands in the path instead of the host name.' }),
  's3-backup-tls-skip-verify-cert': boolean({ default: false, vitess: true, doc: 'Whether any certificate of the store is believed.' }),
  's3-backup-tls-ca': path({ default: undefined, doc: 'Certificates (PEM) of authorities that are believed beside the well-known ones.' }),
  's3-backup-server-side-encryption': text({
    default: undefined, vitess: true, what: 'AES256, aws:kms or sse_c:<path>', matches: /^(?:AES256|aws:kms|sse_c:.+)$/,
    doc: 'How the store encrypts: AES256, aws:kms, or `sse_c:<path>` with a file that holds a key of 32 bytes, raw or as base64.',
  }),
  'gcs-backup-storage-bucket': text({ default: undefined, vitess: true, doc: 'Bucket of the backups in Google Cloud Storage.' }),
  'gcs-backup-storage-root': text({
    default: undefined, vitess: true, ...KEY_TEXT, doc: 'What stands before `/<keyspace>` in the names of objects, without a slash at either end.',
  }),
  'azblob-backup-account-name': text({
    default: undefined, vitess: true, doc: 'Name of the storage account. Unset: the variable VT_AZBLOB_ACCOUNT_NAME.',
  }),
  'azblob-backup-account-key-file': secretFile({
    default: undefined, vitess: true, doc: 'File with the key of the account. Unset: the variable VT_AZBLOB_ACCOUNT_KEY holds the key.',
  }),
  'azblob-backup-container-name': text({ default: undefined, vitess: true, doc: 'Container of the backups.' }),
  'azblob-backup-storage-root': text({
    default: undefined, vitess: true, ...KEY_TEXT, doc: 'What stands before `/<keyspace>` in the names of blobs, without a slash at either end.',
  }),
  'azblob-backup-endpoint': text({
    default: undefined, matches: /^https?:\/\/\S+$/, what: 'an address with https://',
    doc: 'Address of the account. Unset: `https://<account>.blob.core.windows.net`.',
  }),
  'azblob-backup-buffer-size': integer({
    default: 104_857_600, vitess: true, min: 1 << 20, max: 4_194_304_000,
    doc: 'Most bytes of one block; blocks are as small as the size of the file allows, at least 8 MiB.', reason: 'Vitess\'s, as the limit instead of the rule.',
  }),
  'azblob-backup-parallelism': integer({
    default: 1, vitess: true, min: 1, max: 64, doc: 'How many blocks of one file are sent at once.', reason: 'Vitess\'s.',
  }),
  'ceph-backup-storage-config': path({
    default: 'ceph_backup_config.json', vitess: true,
    doc: 'JSON file with `accessKey`, `secretKey`, `endPoint` and `useSSL` of a Ceph object gateway; it must be closed to others.',
  }),
} as const
