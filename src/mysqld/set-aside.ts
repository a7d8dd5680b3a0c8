/**
 * Making room for new data: the old data are moved aside within their directories, not deleted, until the new are healthy.
 *
 * Promises  Directories stay; only what is data in them (data-layout.ts) is touched.
 *           Every step may be interrupted and repeated: a mark inside `.before-restore-<stamp>/` says that all of the old
 *           data are in it, so that what lies outside is the new.
 */
import { chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent, syncDirectory, writeDurably } from '../base/durable-file.ts'
import { dataNames, dataPlaces, innerDirectories, namesIn, type DataPaths } from './data-layout.ts'
import { originMarkPath } from './origin-mark.ts'

const asideName = (stamp: string): string => `.before-restore-${stamp}`
const COMPLETE = '.all-moved'

/** For the directory's name: `2026-11-20T10-11-12Z`. */
export const asideStamp = (nowMs: number): string => new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z').replaceAll(':', '-')

/**
 * Empties every place of data for a restore, keeping what was there.
 *
 * Repeated with the same stamp it removes what a broken-off restore made. The mark of origin stays, and goes aside as a copy.
 */
export async function setAside(paths: DataPaths, stamp: string): Promise<void> {
  if (await isComplete(paths, stamp)) {
    await removeData(paths)
    return
  }
  for (const { path, names } of await placesWithData(paths)) {
    const aside = join(path, asideName(stamp))
    await makeLike(aside, path)
    for (const name of names) await rename(join(path, name), join(aside, name))
    await syncDirectory(aside)
    await syncDirectory(path)
  }
  await makeInner(paths)
  await copyOriginMark(paths, stamp)
  await markComplete(paths, stamp)
}

/** Deletes what was set aside: the new data are healthy. */
export async function removeAside(paths: DataPaths, stamp: string): Promise<void> {
  for (const { path } of dataPlaces(paths)) await rm(join(path, asideName(stamp)), { recursive: true, force: true })
}

/** Stamps of what lies aside, oldest first. */
export async function listAside(paths: DataPaths): Promise<readonly string[]> {
  const stamps = new Set<string>()
  for (const { path } of dataPlaces(paths)) {
    for (const name of await namesIn(path) ?? []) {
      if (name.startsWith(asideName(''))) stamps.add(name.slice(asideName('').length))
    }
  }
  return [...stamps].sort()
}

/** Deletes all data in all places, and makes the directories that the server expects. Only under a sentinel or a bootstrap's mark. */
export async function removeData(paths: DataPaths): Promise<void> {
  for (const { path, names } of await placesWithData(paths)) {
    for (const name of names) await rm(join(path, name), { recursive: true, force: true })
    await syncDirectory(path)
  }
  await makeInner(paths)
}

/** Every directory of data, made if it is missing, with the owner of the data directory. */
export async function makeDirectories(paths: DataPaths): Promise<void> {
  for (const { path } of dataPlaces(paths)) await mkdir(path, { recursive: true, mode: 0o750 })
  await makeInner(paths)
}

async function makeInner(paths: DataPaths): Promise<void> {
  for (const path of innerDirectories(paths)) {
    if (await namesIn(path) === undefined) await makeLike(path, paths.dataDir)
  }
}

async function placesWithData(paths: DataPaths): Promise<readonly { readonly path: string, readonly names: readonly string[] }[]> {
  const found: { path: string, names: readonly string[] }[] = []
  for (const place of dataPlaces(paths)) {
    const names = await dataNames(place) ?? []
    if (names.length > 0) found.push({ path: place.path, names })
  }
  return found
}

async function copyOriginMark(paths: DataPaths, stamp: string): Promise<void> {
  const aside = join(paths.dataDir, asideName(stamp))
  const mark = await readIfPresent(originMarkPath(paths.dataDir))
  if (mark === undefined) return
  await makeLike(aside, paths.dataDir)
  await writeDurably(originMarkPath(aside), mark)
}

async function markComplete(paths: DataPaths, stamp: string): Promise<void> {
  const aside = join(paths.dataDir, asideName(stamp))
  await makeLike(aside, paths.dataDir)
  await writeFile(join(aside, COMPLETE), '')
  await syncDirectory(aside)
  await syncDirectory(paths.dataDir)
}

const isComplete = async (paths: DataPaths, stamp: string): Promise<boolean> =>
  (await namesIn(join(paths.dataDir, asideName(stamp))))?.includes(COMPLETE) ?? false

/** A directory with the owner of `model`: the server looks into every directory of its data. */
async function makeLike(path: string, model: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o750 })
  const { uid, gid } = await stat(model)
  if (process.getuid?.() === 0) await chown(path, uid, gid)
}
