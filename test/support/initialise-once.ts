/**
 * A mysqld that initialises a data directory once for each defaults file, and copies what it made from then on.
 *
 * `mysqld --initialize-insecure` takes seconds of CPU, and hundreds of tablets under test begin with it. What a test gets
 * is what the real server made from the same options; every other call is the real server's. Tests about
 * initialising itself use the real one (test/mysqld/bootstrap.test.ts), as do the quickstart and the packed daemon.
 *
 * As a program: `initialise-once.ts MYSQLD ARGUMENTS…`, the latter with --defaults-file and --initialize-insecure.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../../scripts/lib/layout.mjs'
import type { TestServer } from './servers.ts'
import { madeOnce } from './template.ts'

/** Where a server is and what it is called; everything else may shape its files. */
const OF_THE_PLACE = /^(datadir|socket|pid-file|log-error|tmpdir|port|server-id|report-host|report-port)=/

/** The path of a program to be used as `server`'s mysqld, made in `dir`. */
export function initialisingOnce(server: TestServer, dir: string): string {
  if (server.name !== 'mysql') return server.mysqldPath   // whose mariadb-install-db is quick
  mkdirSync(dir, { recursive: true })
  const path = join(dir, 'mysqld')
  const once = `"${process.execPath}" "${import.meta.filename}" "${server.mysqldPath}"`
  writeFileSync(path, `#!/bin/sh\ncase " $* " in *" --initialize-insecure "*) exec ${once} "$@";; esac\nexec "${server.mysqldPath}" "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

async function main([mysqld = '', ...flags]: readonly string[]): Promise<number> {
  const initialise = (): number => spawnSync(mysqld, flags, { stdio: 'inherit' }).status ?? 1
  const cnf = flags.find((flag) => flag.startsWith('--defaults-file='))?.slice('--defaults-file='.length)
  const lines = cnf === undefined ? [] : readFileSync(cnf, 'utf8').split('\n')
  const dataDir = lines.find((line) => line.startsWith('datadir='))?.slice('datadir='.length)
  const shape = lines.filter((line) => !OF_THE_PLACE.test(line)).join('\n')
  const special = shape.includes('/') || flags.some((flag) => /^--user=(?!root$)/.test(flag))
  if (dataDir === undefined || special || serverFiles(dataDir).length > 0) return initialise()
  const key = createHash('sha256').update(`${mysqld}\n${shape}`).digest('hex').slice(0, 12)
  let status = 0
  const template = join(cacheDir(), 'templates', `initialised-${key}`)
  const made = await madeOnce(template, async (path) => {
    status = initialise()
    if (status === 0) for (const name of serverFiles(dataDir)) await cp(join(dataDir, name), join(path, name), { recursive: true })
    return status === 0
  })
  if (made === 'before') await cp(template, dataDir, { recursive: true })
  return status
}

/** Names with a dot are not the server's, but tabletd's. */
const serverFiles = (dataDir: string): readonly string[] =>
  existsSync(dataDir) ? readdirSync(dataDir).filter((name) => !name.startsWith('.')) : []

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
