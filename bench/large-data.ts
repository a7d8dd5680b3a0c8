/**
 * A data directory of any size out of a real table: half of it one file, the rest many, some of it holes.
 *
 * The table's bytes are repeated, so that every block costs what a real one costs.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { dataSetIn, type DataSet } from './data-set.ts'

const SYSTEM_BYTES = 12 << 20
const BLOCK_BYTES = 16 << 20
const SMALL_FILES = 12

/** In `dir`, which is empty. `sample` is the path of a table. */
export async function makeLargeData(dir: string, bytes: number, sample: string): Promise<DataSet> {
  await using owned = new AsyncDisposableStack()
  const from = owned.use(await open(sample))
  const write = async (name: string, real: number, whole = real): Promise<void> => {
    await using to = await open(join(dir, name), 'w')
    await repeat(from, to, real)
    await to.truncate(whole)   // beyond what was written there is a hole
    await to.sync()
  }
  await mkdir(join(dir, 'large'))
  for (const name of ['ibdata1', 'ib_logfile0']) await write(name, SYSTEM_BYTES)
  await write('large/huge.ibd', pages(0.5 * bytes))
  for (let n = 0; n < SMALL_FILES; n++) await write(`large/t${n}.ibd`, pages(0.3 * bytes / SMALL_FILES))
  await write('large/holes.ibd', pages(0.01 * bytes), pages(0.2 * bytes))
  return dataSetIn(dir)
}

const pages = (bytes: number): number => Math.ceil(bytes / 16_384) * 16_384

async function repeat(from: FileHandle, to: FileHandle, bytes: number): Promise<void> {
  const { size } = await from.stat()
  const block = Buffer.alloc(BLOCK_BYTES)
  for (let done = 0; done < bytes;) {
    const at = done % size
    const { bytesRead } = await from.read(block, 0, Math.min(BLOCK_BYTES, size - at, bytes - done), at)
    await to.write(block, 0, bytesRead, done)
    done += bytesRead
  }
}
