// OpenStack Swift unpacked into the cache: the S3 server of the tests. 41 MB are fetched once.
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { aptIn, unpackDebs } from './apt-prefix.mjs'
import { cacheDir, findSwift, inPrefix, pythonEnv } from './layout.mjs'
import { locked, output, say } from './run.mjs'

export async function installSwift() {
  if (findSwift() !== undefined) return
  await locked(join(cacheDir(), 'swift.lock'), async () => {
    if (findSwift() !== undefined) return
    const work = mkdtempSync(join(cacheDir(), 'unpacking-'))
    try {
      say(`unpacking OpenStack Swift into ${cacheDir()}`)
      const root = await unpackDebs(await aptIn(work), ['python3-swift'])
      rmSync(join(root, 'usr/share/doc'), { recursive: true, force: true })
      await output(...swiftPython(root, ['-c', 'import swift.common.middleware.s3api.s3api']))
      renameSync(root, join(cacheDir(), 'swift'))
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

/** Arguments for output(): the prefix's own Python, with its own modules. */
function swiftPython(prefix, args) {
  const [program, ...own] = inPrefix(prefix, 'usr/bin/python3')
  const env = { ...process.env, ...pythonEnv(prefix) }
  return [program, [...own, ...args], { env }]
}
