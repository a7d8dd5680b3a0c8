/** The package as users get it: packed by npm, installed into a package of somebody's own. */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from './run-program.ts'
import { ROOT } from './shard-place.ts'
import { cleanEnv } from './tablet.ts'

/** Packs this tree and installs the tarball as a dependency of another package. Resolves to where npm put it. */
export async function installPacked(dir: string): Promise<string> {
  const packed = await npm(await copyOfTree(dir), 'pack', '--pack-destination', dir)
  const app = join(dir, 'app')
  await mkdir(app)
  await writeFile(join(app, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true }')
  await npm(app, 'install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', join(dir, packed.trim().split('\n').at(-1) ?? ''))
  return join(app, 'node_modules/tabletd')
}

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const result = await runProgram('npm', ['--silent', ...args], { cwd, env: cleanEnv(), timeoutMs: 180_000 })
  if (result.code !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`)
  return result.stdout
}

/** A copy to build in: dist/ of the tree itself stays as it is, and files run beside each other. */
async function copyOfTree(dir: string): Promise<string> {
  const copy = join(dir, 'tree')
  await mkdir(copy)
  const names = ['bin', 'config', 'docs', 'src', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', '.npmrc',
    'README.md', 'CHANGELOG.md', 'LICENSE']
  for (const name of names) await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}
