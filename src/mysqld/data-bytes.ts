/** How many bytes the data of a server take on disk. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../base/errors.ts'
import { dataNames, dataPlaces, type DataPaths } from './data-layout.ts'

export async function dataBytes(paths: DataPaths): Promise<number> {
  let total = 0
  for (const place of dataPlaces(paths)) {
    for (const name of await dataNames(place) ?? []) total += await bytesBelow(join(place.path, name))
  }
  return total
}

/** Blocks that are allocated, not lengths: sparse files free what they hold. */
async function bytesBelow(path: string): Promise<number> {
  try {
    const about = await stat(path)
    if (!about.isDirectory()) return about.blocks * 512
    let total = 0
    for (const name of await readdir(path)) total += await bytesBelow(join(path, name))
    return total
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0   // a server may still be removing it
    throw error
  }
}
