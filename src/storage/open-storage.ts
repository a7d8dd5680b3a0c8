/** The backup storage that the settings name, for the daemon and for tabletctl's way past it. */
import { resolve } from 'node:path'
import { TabletError } from '../base/errors.ts'
import type { PartialConfig } from '../config/derive.ts'
import { readSecretFile } from '../config/secrets.ts'
import type { StageListener } from '../model/stage.ts'
import { azureStorage } from './azblob-storage.ts'
import type { BackupStorage } from './backup-storage.ts'
import { cephStorage } from './ceph-storage.ts'
import { fileStorage } from './file-storage.ts'
import { gcsStorage } from './gcs-storage.ts'
import { s3Storage } from './s3-storage.ts'
import { S3_PARTS } from './s3-store.ts'
import { STEADY } from './steady.ts'
import { steadyStorage, type SteadyOptions } from './steady-storage.ts'

type Kind = NonNullable<PartialConfig['backup-storage-implementation']>

const OPENERS: Readonly<Record<Kind, (config: PartialConfig, steady: SteadyOptions) => BackupStorage>> = {
  file: (config, steady) => steadyStorage(fileStorage({ root: needed(config, 'file-backup-storage-root') }), steady),
  s3: (config, steady) => {
    const retries = config['s3-backup-aws-retries'] ?? -1
    return s3Storage({
      client: {
        region: config['s3-backup-aws-region'] ?? 'us-east-1', endpoint: config['s3-backup-aws-endpoint'],
        forcePathStyle: config['s3-backup-force-path-style'] ?? false, tlsSkipVerify: config['s3-backup-tls-skip-verify-cert'] ?? false,
        caFile: config['s3-backup-tls-ca'],
      },
      bucket: needed(config, 's3-backup-storage-bucket'), root: config['s3-backup-storage-root'] ?? '',
      minPartBytes: config['s3-backup-aws-min-partsize'] ?? S3_PARTS.minBytes,
      encryption: config['s3-backup-server-side-encryption'] ?? '',
      ...steady, policy: retries < 0 ? steady.policy : { ...steady.policy, attempts: retries + 1 },
    })
  },
  gcs: (config, steady) => gcsStorage({ bucket: needed(config, 'gcs-backup-storage-bucket'), root: config['gcs-backup-storage-root'] ?? '', ...steady }),
  azblob: (config, steady) => azureStorage({
    accountName: config['azblob-backup-account-name'] ?? process.env['VT_AZBLOB_ACCOUNT_NAME'] ?? absent('azblob-backup-account-name'),
    accountKey: () => azureKey(config['azblob-backup-account-key-file']),
    endpoint: config['azblob-backup-endpoint'], container: needed(config, 'azblob-backup-container-name'),
    root: config['azblob-backup-storage-root'] ?? '', bufferBytes: config['azblob-backup-buffer-size'] ?? 104_857_600,
    parallelism: config['azblob-backup-parallelism'] ?? 1, ...steady,
  }),
  ceph: (config, steady) => cephStorage({ configFile: resolve(config['ceph-backup-storage-config'] ?? 'ceph_backup_config.json'), ...steady }),
}

/**
 * Nothing is connected to, and no vendor's client is loaded, before the first call.
 *
 * @throws TabletError STORAGE_NOT_CONFIGURED when a setting that the storage needs is missing.
 */
export function openStorage(kind: Kind, config: PartialConfig, onStage?: StageListener): BackupStorage {
  const stallMs = config['backup-storage-stall-timeout'] ?? STEADY.stallMs
  const giveUpMs = config['backup-storage-retry-timeout'] ?? STEADY.giveUpMs
  return OPENERS[kind](config, { policy: { ...STEADY, stallMs, giveUpMs }, onStage })
}

type TextSetting = 'file-backup-storage-root' | 's3-backup-storage-bucket' | 'gcs-backup-storage-bucket' | 'azblob-backup-container-name'

const needed = (config: PartialConfig, name: TextSetting): string => config[name] ?? absent(name)

function absent(name: string): never {
  throw new TabletError('STORAGE_NOT_CONFIGURED', `cannot go to the backup storage: ${name} is not set`)
}

async function azureKey(file: string | undefined): Promise<string> {
  const key = file === undefined ? process.env['VT_AZBLOB_ACCOUNT_KEY'] : await readSecretFile(file)
  return key ?? absent('azblob-backup-account-key-file')
}
