/** Files of secrets: read when closed to others, refused with the file's name and never its content. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readSecretFile } from '../../src/config/secrets.ts'

const directory = await mkdtemp(join(tmpdir(), 'td-secret-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))

async function fileWith(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  await chmod(path, mode)   // writeFile's own mode is cut by the umask
  return path
}

t.test('one line end is taken off, everything else stays', async (t) => {
  for (const [content, secret] of [['s3cret', 's3cret'], ['s3cret\n', 's3cret'], ['s3cret\r\n', 's3cret'], [' two words \n', ' two words '], ['ünïcode\n', 'ünïcode']] as const) {
    t.equal(await readSecretFile(await fileWith('plain', content)), secret)
  }
  t.equal(await readSecretFile(await fileWith('group', 'x', 0o640)), 'x')
})

t.test('an unfit file is refused by name', async (t) => {
  const cases: readonly (readonly [name: string, content: string, mode: number, message: RegExp])[] = [
    ['world-readable', 'hunter2', 0o644, /everybody/], ['world-writable', 'hunter2', 0o602, /everybody/], ['empty', '', 0o600, /empty/],
    ['only-a-line-end', '\n', 0o600, /empty/], ['two-lines', 'hunter2\nhunter2\n', 0o600, /more than one line/],
    ['nul', 'hunter2\0', 0o600, /more than one line/], ['long', 'hunter2'.repeat(1000), 0o600, /longer than 4096/],
  ]
  for (const [name, content, mode, message] of cases) {
    const path = await fileWith(name, content, mode)
    const error: unknown = await readSecretFile(path).catch((reason: unknown) => reason)
    t.match(error, { code: 'SETTINGS_INVALID', message }, name)
    t.match(String(error), path)
    t.notMatch(String(error), /hunter2/)
  }
})

t.test('what is no file is refused', async (t) => {
  await mkdir(join(directory, 'folder'), { mode: 0o700 })
  await t.rejects(readSecretFile(join(directory, 'folder')), { code: 'SETTINGS_INVALID', message: /not a regular file/ })
  await t.rejects(readSecretFile(join(directory, 'absent')), { code: 'SETTINGS_INVALID', message: /no such file/ })
})
