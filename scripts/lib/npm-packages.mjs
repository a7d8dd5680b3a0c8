// node_modules as the lockfile says: installed when something is missing or another version.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { locked, output, say } from './run.mjs'
import { cacheDir } from './layout.mjs'

/** Path of the Node 24 that everything runs on. */
export const node24 = (root) => join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')

export async function installNpmPackages(root) {
  if (whatDiffers(root) === undefined) return
  await locked(join(cacheDir(), 'npm.lock'), async () => {
    const why = whatDiffers(root)
    if (why === undefined) return
    say(`installing npm packages (${why})`)
    await output('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root })
  })
}

/** The first difference between the lockfile and what is installed. npm keeps a record of the latter. */
function whatDiffers(root) {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return 'none yet'
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const wrong = Object.keys(wanted).find((path) => path !== '' && !wanted[path].optional && installed[path]?.version !== wanted[path].version)
  if (wrong !== undefined) return `${wrong.replace(/^.*node_modules\//, '')} ${wanted[wrong].version}`
  return existsSync(node24(root)) ? undefined : 'Node 24'
}
