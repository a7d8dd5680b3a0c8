/**
 * The accounts of tabletd, as the text of an init file that the server runs itself before it accepts anybody.
 *
 * Promises  The first line keeps all of it out of the binary log: without it the statements write GTIDs even under
 *           super_read_only, and those are errant transactions on every tablet (tried). Running it again changes nothing.
 *           It makes ours valid whatever passwords and rights a donor's copy brought with it.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { TabletError } from '../base/errors.ts'
import type { Flavor } from '../model/gtid-set.ts'
import { giveTo, type RunAs } from './run-as.ts'

export interface Account {
  readonly user: string
  readonly password: string
}

export interface AccountsPlan {
  readonly flavor: Flavor
  /** All rights, over the socket only. */
  readonly dba: Account
  /** Replication and a look at the binary logs (REPL_RIGHTS), from everywhere; undefined: not ours to make. */
  readonly repl: Account | undefined
  /** Closes root@localhost, which MySQL's initialisation leaves without a password. Only for servers we bootstrapped. */
  readonly lockRoot?: boolean
}

/** One statement a line: the server splits init files by lines ended with `;`. */
export function accountsSql(plan: AccountsPlan): string {
  const { flavor, dba, repl } = plan
  return [
    'SET SESSION sql_log_bin=0;',
    "SET SESSION sql_mode='NO_BACKSLASH_ESCAPES';",
    ...accountSql(flavor, dba, { host: 'localhost', grant: 'ALL PRIVILEGES ON *.*', option: ' WITH GRANT OPTION' }),
    ...(repl === undefined ? [] : accountSql(flavor, repl, { host: '%', grant: `${REPL_RIGHTS[flavor]} ON *.*`, option: '' })),
    ...(plan.lockRoot === true && flavor === 'mysql' ? ["ALTER USER IF EXISTS 'root'@'localhost' ACCOUNT LOCK;"] : []),
    'FLUSH PRIVILEGES;',
    '',
  ].join('\n')
}

const NO_LIMITS = 'REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0'

/** MariaDB shows whether binary logs reach back to the beginning only to holders of BINLOG MONITOR. */
const REPL_RIGHTS: Readonly<Record<Flavor, string>> = { mysql: 'REPLICATION SLAVE', mariadb: 'REPLICATION SLAVE, BINLOG MONITOR' }

interface Rights {
  readonly host: string
  readonly grant: string
  readonly option: string
}

function accountSql(flavor: Flavor, account: Account, rights: Rights): readonly string[] {
  const name = `${quote(account.user, 'user name')}@${quote(rights.host, 'host')}`
  const identified = `IDENTIFIED BY ${quote(account.password, `password of ${account.user}`)}`
  // a donor's account of the same name may be locked, expired, limited or ask for TLS: ours is as we say
  const free = flavor === 'mysql' ? `${NO_LIMITS} PASSWORD EXPIRE NEVER ACCOUNT UNLOCK` : `${NO_LIMITS} ACCOUNT UNLOCK PASSWORD EXPIRE NEVER`
  return [
    `CREATE USER IF NOT EXISTS ${name} ${identified};`,
    `ALTER USER ${name} ${identified} ${free};`,
    `GRANT ${rights.grant} TO ${name}${rights.option};`,
  ]
}

/** A string literal under NO_BACKSLASH_ESCAPES, which the second line turns on: only the quote itself is special then. */
function quote(text: string, what: string): string {
  if ([...text].some((letter) => letter < ' ' || letter === '\u007f')) {
    throw new TabletError('SETTINGS_INVALID', `cannot use the ${what}: it holds a control character`)   // a line's end would end the statement
  }
  return `'${text.replaceAll("'", "''")}'`
}

/** Writes the statements where only the server's user reads them (0600); the caller removes the file when the server is up. */
export async function writeInitFile(directory: string, sql: string, runAs: RunAs | undefined): Promise<string> {
  const path = join(directory, 'init.sql')
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(sql)
  await giveTo(runAs, path)
  return path
}
