/** Statements that every server takes in one spelling, and how values are written into a statement. */

export const hello = 'SELECT VERSION() AS version, @@version_comment AS comment, CONNECTION_ID() AS id'

export const killQuery = (id: string): string => `KILL QUERY ${whole(id)}`
export const killConnection = (id: string): string => `KILL ${whole(id)}`

/** Values of more than 1024 characters are cut short by the server; sets of transactions are read with SELECT for that reason. */
export const showVariables = (names: readonly string[]): string =>
  `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map(quote).join(', ')})`
export const showStatus = (names: readonly string[]): string =>
  `SHOW GLOBAL STATUS WHERE Variable_name IN (${names.map(quote).join(', ')})`
export const showProcesses = 'SHOW PROCESSLIST'

/** `variable` comes from our own lists, never from outside. */
export const setGlobalFlag = (variable: string, on: boolean): string => `SET GLOBAL ${variable} = ${on ? 'ON' : 'OFF'}`
export const setFastShutdown = (value: number): string => `SET GLOBAL innodb_fast_shutdown = ${whole(value)}`
export const fastShutdown = 'SELECT @@GLOBAL.innodb_fast_shutdown AS value'
export const shutdown = 'SHUTDOWN'

export const schemas = 'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA'
export const accounts = 'SELECT User AS user, Host AS host FROM mysql.user'

export const NOT_USER_SCHEMAS = ['mysql', 'sys', 'performance_schema', 'information_schema', '_tabletd'] as const

/** Engines that hold tables of users. One row each. */
export const engines = `SELECT DISTINCT ENGINE AS engine FROM information_schema.TABLES
  WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE IS NOT NULL AND TABLE_SCHEMA NOT IN (${NOT_USER_SCHEMAS.map(quote).join(', ')})`

/** A string literal. Sessions of ours run with sql_mode='' (backslash escapes) and utf8mb4, so nothing else is special. */
export function quote(text: string): string {
  return `'${text.replaceAll(/[\\'"\0\n\r\x1a]/g, (character) => ESCAPES[character] ?? character)}'`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\', '\'': '\\\'', '"': '\\"', '\0': '\\0', '\n': '\\n', '\r': '\\r', '\x1a': '\\Z',
}

/** A whole number from 0 on as text. */
export function whole(value: number | string): string {
  if (!/^\d+$/.test(String(value))) throw new TypeError(`not a whole number: ${value}`)
  return String(value)
}
