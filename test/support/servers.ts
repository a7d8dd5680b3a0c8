/**
 * The database servers installed on this machine, which every integration and fault test runs against once each.
 *
 * TABLETD_TEST_SERVERS=mysql or =mariadb restricts them. A wanted server that is missing fails in CI and skips,
 * saying so, anywhere else.
 */
import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import { findMysql, findProgram } from '../../scripts/lib/layout.mjs'

export type ServerName = 'mysql' | 'mariadb'

export interface TestServer {
  readonly name: ServerName
  /** As `9.7.4` or `10.11.19`. */
  readonly version: string
  readonly mysqldPath: string
  /** Client program: mysql or mariadb. */
  readonly clientPath: string
  /** mariadb-install-db; MySQL initialises itself. */
  readonly installDbPath?: string
}

/** Installed and wanted servers. */
export function servers(): readonly TestServer[] {
  return wantedServers().flatMap((name) => serverNamed(name) ?? [])
}

/** @throws Error when it is not installed: for tests that need this one. */
export function requireServer(name: ServerName): TestServer {
  const server = serverNamed(name)
  if (server === undefined) throw new Error(`${name} is not installed: run scripts/lib/install.mjs`)
  return server
}

/**
 * One subtest for each server, with its name at the end of the title: `title [mysql]`. The summary counts by that.
 *
 * `only` restricts to servers the statement is about; its reason is printed as a skip for the others.
 */
export function forEachServer(
  t: Test, title: string, work: (t: Test, server: TestServer) => Promise<void>,
  only?: { readonly server: ServerName, readonly why: string },
): void {
  for (const name of wantedServers()) {
    const server = serverNamed(name)
    const named = `${title} [${name}]`
    if (only !== undefined && only.server !== name) {
      t.test(named, { skip: `only ${only.server}: ${only.why}` }, () => undefined)
    } else if (server !== undefined) {
      t.test(named, (t) => work(t, server))
    } else if (inCi()) {
      t.test(named, (t) => { t.fail(`${name} is not installed`); t.end() })
    } else {
      t.test(named, { skip: `${name} is not installed` }, () => undefined)
    }
  }
}

const NAMES: readonly ServerName[] = ['mysql', 'mariadb']
const inCi = (): boolean => process.env['CI'] === 'true' || process.env['CI'] === '1'

function wantedServers(): readonly ServerName[] {
  const wanted = process.env['TABLETD_TEST_SERVERS']
  if (wanted === undefined || wanted === '') return NAMES
  const names = wanted.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !NAMES.some((known) => known === name))
  if (unknown !== undefined) throw new Error(`TABLETD_TEST_SERVERS names "${unknown}"; known are ${NAMES.join(' and ')}`)
  return NAMES.filter((name) => names.includes(name))
}

const found = new Map<ServerName, TestServer | undefined>()

function serverNamed(name: ServerName): TestServer | undefined {
  if (!found.has(name)) found.set(name, name === 'mysql' ? mysql() : mariadb())
  return found.get(name)
}

function mysql(): TestServer | undefined {
  const unpacked = findMysql()
  return unpacked && { name: 'mysql', version: unpacked.version, mysqldPath: unpacked.mysqld, clientPath: unpacked.client }
}

function mariadb(): TestServer | undefined {
  const [mysqldPath, clientPath, installDbPath] = ['mariadbd', 'mariadb', 'mariadb-install-db'].map((program) => findProgram(program))
  if (mysqldPath === undefined || clientPath === undefined || installDbPath === undefined) return undefined
  const said = spawnSync(mysqldPath, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout
  const version = /Ver (\d+\.\d+\.\d+)-MariaDB/.exec(said)?.[1]
  return version === undefined ? undefined : { name: 'mariadb', version, mysqldPath, clientPath, installDbPath }
}
