// Installs whatever tests and the quickstart need and this machine lacks. As a program: installs everything.
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { FOR_BENCH, installDebianPackages } from './debian-packages.mjs'
import { installLoadBalancer } from './load-balancer.mjs'
import { installMysql } from './mysql-prefix.mjs'
import { installNpmPackages } from './npm-packages.mjs'
import { installObjectStores } from './object-stores.mjs'
import { Refusal, inCi, say } from './run.mjs'

export const ROOT = join(fileURLToPath(import.meta.url), '../../..')

/** @param needs {{ servers: readonly ('mysql' | 'mariadb')[], objectStores?: boolean, loadBalancer?: boolean, bench?: boolean }} */
export async function install(needs) {
  await installNpmPackages(ROOT)
  if (needs.servers.includes('mariadb')) await orSkip(() => installDebianPackages(needs.bench === true ? FOR_BENCH : []))
  if (needs.servers.includes('mysql')) await orSkip(installMysql)
  if (needs.loadBalancer === true) await orSkip(installLoadBalancer)
  if (needs.objectStores === true) await orSkip(() => installObjectStores(ROOT))
}

/** Outside CI a missing server skips its tests (each says so); in CI it ends the run. */
async function orSkip(step) {
  try {
    await step()
  } catch (error) {
    if (!(error instanceof Refusal) || inCi()) throw error
    say(error.message)
  }
}

/** Runs a program's main; a refusal is one message, anything else a stack. */
export async function program(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    say(error instanceof Refusal ? error.message : error.stack)
    process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await program(async () => { await install({ servers: ['mysql', 'mariadb'], objectStores: true, loadBalancer: true, bench: true }); return 0 })
