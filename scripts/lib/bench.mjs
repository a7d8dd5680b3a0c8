// The part of the bench that runs on any Node 18: installs the packages and goes on under Node 24, which installs the rest.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ROOT, program } from './install.mjs'
import { installNpmPackages, node24 } from './npm-packages.mjs'

await program(async () => {
  await installNpmPackages(ROOT)
  const node = node24(ROOT)
  const env = { ...process.env, PATH: `${join(node, '..')}:${process.env.PATH}` }
  const child = spawn(node, [join(ROOT, 'bench/main.ts'), ...process.argv.slice(2)], { stdio: 'inherit', env })
  // Ctrl-C reaches both processes; this one waits until the other has cleaned up
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => { child.kill(signal) })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => { resolve(code ?? 1) })
  })
})
