/** Which settings of compression go together. Pure. */
import type { PartialConfig } from './derive.ts'
import type { SettingName } from './settings.ts'

type Engine = NonNullable<PartialConfig['compression-engine-name']>

/** The highest level of each engine; a command has its own. See zstd(1), gzip(1); lz4-napi has one level. */
const HIGHEST_LEVEL: Readonly<Partial<Record<Engine, number>>> = { zstd: 19, pgzip: 9, pargzip: 9, lz4: 1 }

interface Broken {
  readonly where: SettingName
  readonly what: string
  readonly hint?: string
}

export function compressionProblems(config: PartialConfig): readonly Broken[] {
  const engine = config['compression-engine-name']
  if (engine === undefined || config['backup-storage-compress'] === false || config['external-compressor'] !== undefined) return []
  if (engine === 'external') {
    return [{ where: 'external-compressor', what: 'is needed with compression-engine-name external', hint: 'as --external-compressor="zstd -5 -T2 -c"' }]
  }
  const highest = HIGHEST_LEVEL[engine] ?? Number.POSITIVE_INFINITY
  if ((config['compression-level'] ?? 1) <= highest) return []
  const hint = engine === 'lz4' ? { hint: 'for higher ones use a command, as --external-compressor="lz4 -9 -c"' } : {}
  return [{ where: 'compression-level', what: highest === 1 ? `is 1 with ${engine}` : `is at most ${highest} with ${engine}`, ...hint }]
}
