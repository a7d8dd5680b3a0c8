/** What an operator does by hand to have the old data back: empty the places, and move in again what lies aside. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { dataPlaces, type DataPaths } from '../../src/mysqld/data-layout.ts'
import { removeData } from '../../src/mysqld/set-aside.ts'

export async function moveBack(paths: DataPaths, stamp: string): Promise<void> {
  await removeData(paths)
  for (const { path } of dataPlaces(paths)) {
    const aside = join(path, `.before-restore-${stamp}`)
    if (!existsSync(aside)) continue
    for (const name of readdirSync(aside).filter((one) => one !== '.all-moved')) {
      rmSync(join(path, name), { recursive: true, force: true })   // an empty directory, or the mark, of which aside is a copy
      renameSync(join(aside, name), join(path, name))
    }
    rmSync(aside, { recursive: true })
  }
}
