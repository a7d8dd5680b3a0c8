// What the tests of the object stores talk to, installed into the cache: nothing of it is a dependency of the daemon.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installGcsServer } from './gcs-server.mjs'
import { azuriteProgram, cacheDir } from './layout.mjs'
import { node24 } from './npm-packages.mjs'
import { locked, output, say } from './run.mjs'
import { installSwift } from './swift-prefix.mjs'

const OWN = ['package.json', 'package-lock.json']

export async function installObjectStores(root) {
  const done = await Promise.allSettled([installSwift(), installAzurite(root), installGcsServer(root)])
  const failed = done.find(({ status }) => status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** In a folder of its own: it brings several hundred packages. */
async function installAzurite(root) {
  const from = join(root, 'test/object-stores')
  const home = join(cacheDir(), 'object-stores')
  const same = () => existsSync(azuriteProgram()) && OWN.every((name) => readFileSync(join(from, name), 'utf8') === readIfThere(join(home, name)))
  if (same()) return
  await locked(join(cacheDir(), 'object-stores.lock'), async () => {
    if (same()) return
    say(`installing Azurite into ${home}`)
    mkdirSync(home, { recursive: true })
    for (const name of OWN) copyFileSync(join(from, name), join(home, name))
    const env = { ...process.env, PATH: `${dirname(node24(root))}:${process.env.PATH}` }
    await output('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: home, env })
  })
}

const readIfThere = (path) => existsSync(path) ? readFileSync(path, 'utf8') : undefined
