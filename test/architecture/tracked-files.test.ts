/** What is committed works on any machine: no paths of the one it was written on, no mirrors of packages. */
import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')

/** Spelled in pieces, so that this file does not hold what it looks for. */
const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a path of one machine', new RegExp(`(?:^|[\\s'"\`(=:])/${'work'}/(?:main|shared)|/${'root'}/\\.cache`)],
  ['a host of a package registry', new RegExp(['registry\\.npm' + 'js', 'deb\\.deb' + 'ian', 'security\\.deb' + 'ian', 'archive\\.ub' + 'untu', 'npm\\.' + 'pkg'].join('|'))],
  ['a registry setting', new RegExp('^(?:registry|_auth' + 'Token)\\s*=|//[^/\\s]+/:_auth', 'm')],
]

async function trackedFiles(): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: ROOT, maxBuffer: 1 << 24 })
    return stdout.split('\0').filter((name) => name !== '')
  } catch {
    return undefined   // an unpacked archive has no history to ask
  }
}

t.test('no tracked file names this machine or a package mirror', async (t) => {
  const names = await trackedFiles()
  if (names === undefined) {
    t.comment('not a git work tree: nothing is tracked')
    return
  }
  t.ok(names.length > 50)
  for (const name of names) {
    const about = await stat(join(ROOT, name)).catch(() => undefined)
    if (about?.isFile() !== true || about.size > 1 << 20) continue
    const text = await readFile(join(ROOT, name), 'utf8')
    for (const [what, pattern] of FORBIDDEN) {
      const found = pattern.exec(text)
      if (found !== null) t.fail(`${name} holds ${what}: ${found[0]}`)
    }
  }
})

t.test('the lockfile names packages, not where one machine got them', async (t) => {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, { resolved?: string }> }
  t.same(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name), [])
})

t.test('what looks for forbidden words finds them', (t) => {
  const samples = [`see /${'work'}/main/src`, `https://registry.npm${'js'}.org/x`, `//host/${':'}_auth${'Token'}=x`]
  for (const sample of samples) t.ok(FORBIDDEN.some(([, pattern]) => pattern.test(sample)), sample)
  t.end()
})
