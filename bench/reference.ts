/**
 * What a backup and a restore are measured against: zstd's own program on the same files, through to the disk.
 *
 * The page cache is warm on both sides: every input is read once before, and what earlier runs wrote is on disk.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quoted, run } from './programs.ts'
import type { Timed } from './rounds.ts'

interface Reference {
  /** Made anew. */
  readonly into: string
  readonly threads: number
}

/** `zstd -1 -T<threads>` over the files, one after the other as it does it, and the sync. */
export async function compressFiles(files: readonly string[], { into, threads }: Reference, signal: AbortSignal): Promise<Timed> {
  await rm(into, { recursive: true, force: true })
  await mkdir(into)
  const list = join(into, '..', 'files-of-zstd')
  await writeFile(list, files.join('\n'))
  await settle(files, signal)
  const zstd = `zstd -q -1 -T${threads} --output-dir-mirror ${quoted(into)} --filelist ${quoted(list)}`
  return timed(`${zstd} && sync -f ${quoted(into)}`, signal)
}

/** `zstd -d` of the objects, `threads` programs at once, and the sync. */
export async function decompressFiles(objects: readonly string[], { into, threads }: Reference, signal: AbortSignal): Promise<Timed> {
  await rm(into, { recursive: true, force: true })
  await mkdir(into)
  const list = join(into, '..', 'objects-of-zstd')
  await writeFile(list, objects.map((object, index) => `${object}\n-o\n${join(into, String(index))}\n`).join(''))
  await settle(objects, signal)
  const zstd = `xargs -a ${quoted(list)} -d '\\n' -n 3 -P ${threads} zstd -d -q -f`
  return timed(`${zstd} && sync -f ${quoted(into)}`, signal)
}

/** The shell itself says what its children used: `times` of POSIX, user and system on the second line. */
async function timed(line: string, signal: AbortSignal): Promise<Timed> {
  const { seconds, stdout } = await run(['sh', '-c', `${line} && times`], { signal })
  const used = [...(stdout.trimEnd().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => 60 * Number(minutes) + Number(rest))
  return { seconds, cpuSeconds: used.reduce((sum, value) => sum + value, 0) }
}

/** Reads the files, and waits until nothing that was written before is still on its way to the disk. */
export async function settle(files: readonly string[], signal: AbortSignal): Promise<void> {
  for (let from = 0; from < files.length; from += 500) {
    await run(['sh', '-c', 'cat -- "$@" >/dev/null', 'sh', ...files.slice(from, from + 500)], { signal })
  }
  await run(['sync'], { signal })
}

/** Bytes of all files below a directory. */
export async function bytesBelow(dir: string, signal: AbortSignal): Promise<number> {
  const { stdout } = await run(['find', dir, '-type', 'f', '-printf', '%s\\n'], { signal })
  return stdout.split('\n').reduce((sum, line) => sum + Number(line), 0)
}
