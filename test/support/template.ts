/**
 * Initialised data directories to copy from: making one takes seconds, copying it a fraction of one.
 *
 * One for each server version, in the cache, made once however many tests ask at the same time.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, open, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../../scripts/lib/layout.mjs'
import type { TestServer } from './servers.ts'

/** Raise it when the flags below change: templates made before are not used any more. */
const FORMAT = 1

/** Fills the empty or missing `dataDir` with a fresh server: root without a password over the socket, no auto.cnf, a small redo log. */
export async function copyTemplate(server: TestServer, dataDir: string): Promise<void> {
  const template = join(cacheDir(), 'templates', `${server.name}-${server.version}-${FORMAT}`)
  await madeOnce(template, async (path) => {
    await finished(...initCommand(server, path))
    return true
  })
  await cp(template, dataDir, { recursive: true, force: true })
}

/** Makes a directory by `make`, once however many processes ask; it is there whole or not at all. `make` tells whether it did. */
export async function madeOnce(template: string, make: (path: string) => Promise<boolean>): Promise<'before' | 'now'> {
  if (existsSync(template)) return 'before'
  await mkdir(join(template, '..'), { recursive: true })
  const lock = await open(`${template}.lock`, 'a')
  try {
    await finished('flock', ['-x', '3'], lock.fd)
    if (existsSync(template)) return 'before'
    const half = await mkdtemp(`${template}-half-`)
    try {
      if (!await make(join(half, 'data'))) return 'now'
      // every server has a server_uuid of its own
      await rm(join(half, 'data', 'auto.cnf'), { force: true })
      await rename(join(half, 'data'), template)
      return 'now'
    } finally {
      await rm(half, { recursive: true, force: true })
    }
  } finally {
    await lock.close()
  }
}

function initCommand(server: TestServer, dataDir: string): [string, string[]] {
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  if (server.name === 'mysql') {
    return [server.mysqldPath, ['--no-defaults', '--initialize-insecure', `--datadir=${dataDir}`, ...user,
      '--secure-file-priv=NULL', '--innodb-redo-log-capacity=16M', '--mysqlx=OFF']]
  }
  if (server.installDbPath === undefined) throw new Error('mariadb-install-db is not installed')
  return [server.installDbPath, ['--no-defaults', `--datadir=${dataDir}`, ...user,
    '--auth-root-authentication-method=normal', '--skip-test-db', '--innodb-log-file-size=16M']]
}

function finished(program: string, args: readonly string[], fd?: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', fd ?? 'ignore'] })
    let said = ''
    const listen = (bytes: Buffer): void => { said = (said + bytes.toString()).slice(-4000) }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ended with ${code}:\n${said}`))
    })
  })
}
