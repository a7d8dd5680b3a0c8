/** What the engines are told about compression, from the settings. Pure. */
import type { Config } from '../config/settings.ts'
import type { Compression, Decompression } from '../engine/compression.ts'

export function compressionSettings(config: Config): { readonly compression: Compression, readonly decompression: Decompression } {
  return {
    compression: {
      engine: config['compression-engine-name'],
      enabled: config['backup-storage-compress'],
      level: config['compression-level'],
      threads: config['compression-threads'],
      externalCompressor: config['external-compressor'],
      manifestDecompressor: config['manifest-external-decompressor'],
    },
    decompression: {
      threads: config['compression-threads'],
      externalDecompressor: config['external-decompressor'],
      useManifest: config['external-decompressor-use-manifest'],
    },
  }
}
