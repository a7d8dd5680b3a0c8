/** Objects compressed and decompressed by commands of the operator's (engine `external`), one process an object and direction. */
import { TabletError } from '../base/errors.ts'
import type { Command } from '../base/shell-words.ts'
import type { Compressor, Decompressor } from './codec.ts'
import { throughProgram } from './filter-program.ts'

type Compress = Compressor['compress']
type Decompress = Decompressor['decompress']

/** Throws EXTERNAL_COMMAND_FAILED, also when the command makes nothing out of something. */
export const externalCompress = (command: Command): Compress => async function* (source, _work, signal) {
  let taken = 0
  let made = 0
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      taken += chunk.length
      yield chunk
    }
  }
  for await (const chunk of throughProgram(command, counted(), signal)) {
    made += chunk.length
    yield chunk
  }
  if (taken > 0 && made === 0) throw new TabletError('EXTERNAL_COMMAND_FAILED', `${command.program} failed: it made nothing of ${taken} bytes`)
}

/** Throws EXTERNAL_COMMAND_FAILED: why a command refused an object only the hash of that tells (receive-file.ts). */
export const externalDecompress = (command: Command): Decompress => (source, signal) => throughProgram(command, source, signal)
