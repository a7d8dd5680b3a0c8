/** What `npm pack` makes is what users get: it works installed elsewhere, with no source and no development package. */
import t from 'tap'
import { cp, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { installPacked } from '../support/packed.ts'
import { runProgram } from '../support/run-program.ts'
import { ROOT } from '../support/shard-place.ts'
import { cleanEnv } from '../support/tablet.ts'
import { tempDir } from '../support/temp-dir.ts'

/** As on a machine whose own Node is too old: only the launcher's choice can work. */
const OLD_SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Compresses a block with the module named, by a thread of its own, and says what comes out when it is decompressed. */
const COMPRESS = `
  import { zstdDecompressSync } from 'node:zlib'
  const { CompressionPool } = await import(process.argv[1])
  await using pool = new CompressionPool({ threads: 1, blockBytes: 100 })
  const frame = await pool.compress(new TextEncoder().encode('compressed here'), { kind: 'zstd', level: 1 })
  process.stdout.write(zstdDecompressSync(frame))
`

/** Decompresses a frame with the module named, by a thread of its own, into the file named. */
const DECOMPRESS = `
  import { open } from 'node:fs/promises'
  import { zstdCompressSync } from 'node:zlib'
  const { DecodingPool } = await import(process.argv[1])
  await using pool = new DecodingPool({ threads: 1 })
  const content = new TextEncoder().encode('decompressed here')
  await using handle = await open(process.argv[2], 'w')
  const sink = { target: { handle, path: process.argv[2], holes: false }, wrote: () => undefined }
  await pool.write({ frame: new Uint8Array(zstdCompressSync(content)), contentBytes: content.length, position: 0 }, sink)
`

t.test('the packed package runs where it is installed', async (t) => {
  await using dir = await tempDir()
  const installed = await installPacked(dir.path)
  const env = cleanEnv({ PATH: OLD_SYSTEM_PATH })

  for (const program of ['tabletd', 'tabletctl']) {
    const help = await runProgram(join(dir.path, 'app/node_modules/.bin', program), ['--help'], { env })
    t.equal(help.code, 0, `${program} --help exits 0`)
    t.match(help.stdout, new RegExp(program), `${program} says what it is`)
    t.equal(help.stderr, '', `${program} --help complains about nothing`)
  }
  await mkdir(join(dir.path, 'bin'))
  await symlink(join(dir.path, 'app/node_modules/.bin/tabletctl'), join(dir.path, 'bin/ctl'))
  t.equal((await runProgram(join(dir.path, 'bin/ctl'), ['--help'], { env })).code, 0, 'a link to a link finds the package')

  const files = await readdir(installed, { recursive: true })
  t.strictSame(files.filter((file) => file.endsWith('.ts')), [], 'no source is shipped')
  const compress = await runProgram(process.execPath, ['--input-type=module', '--eval', COMPRESS, join(installed, 'dist/engine/compression-pool.js')], { env })
  t.same([compress.code, compress.stdout], [0, 'compressed here'], `a compression thread starts (${compress.stderr})`)
  const [pool, into] = [join(installed, 'dist/engine/decoding-pool.js'), join(dir.path, 'content')]
  const decompress = await runProgram(process.execPath, ['--input-type=module', '--eval', DECOMPRESS, pool, into], { env })
  t.same([decompress.code, await readFile(into, 'utf8')], [0, 'decompressed here'], `so does a decompression thread (${decompress.stderr})`)
  for (const file of ['LICENSE', 'README.md', 'dist/cli/tabletd.js', 'bin/tabletd']) t.ok(files.includes(file), `${file} is shipped`)
})

t.test('a launcher without any Node 24 says what is missing', async (t) => {
  await using dir = await tempDir()
  await cp(join(ROOT, 'bin'), join(dir.path, 'bin'), { recursive: true })
  await mkdir(join(dir.path, 'path'))
  for (const tool of ['sh', 'dirname', 'readlink', 'uname']) await symlink(`/usr/bin/${tool}`, join(dir.path, 'path', tool))
  const env = { PATH: join(dir.path, 'path') }
  const without = await runProgram(join(dir.path, 'bin/tabletd'), ['--help'], { env })
  t.equal(without.code, 69)
  t.match(without.stderr, /^tabletd: needs Node 24 or later/)

  await writeFile(join(dir.path, 'path/node'), '#!/bin/sh\necho 20\n', { mode: 0o755 })
  const old = await runProgram(join(dir.path, 'bin/tabletd'), ['--help'], { env })
  t.equal(old.code, 69, 'an old one is not taken')
})

t.test('the launcher becomes the daemon: one process, one pid', async (t) => {
  await using dir = await tempDir()
  await mkdir(join(dir.path, 'bin'))
  await mkdir(join(dir.path, 'dist/cli'), { recursive: true })
  await cp(join(ROOT, 'bin'), join(dir.path, 'bin'), { recursive: true })
  await mkdir(join(dir.path, 'node_modules'))
  const nodePackage = `node-linux-${process.arch}`
  await symlink(join(ROOT, 'node_modules', nodePackage), join(dir.path, 'node_modules', nodePackage))
  await writeFile(join(dir.path, 'dist/cli/tabletd.js'), 'console.log(process.pid, process.argv.slice(2).join("|"))\n')
  const shell = await runProgram('/bin/sh', ['-c', 'echo $$; exec "$0" "a b" c', join(dir.path, 'bin/tabletd')])
  const [outer, inner] = shell.stdout.trim().split('\n')
  t.equal(inner, `${outer} a b|c`)
})

leavesNothingBehind(t)
