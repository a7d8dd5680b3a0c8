export interface UnpackedMysql {
  readonly version: string
  readonly prefix: string
  readonly mysqld: string
  readonly client: string
}
export const PINNED_MYSQL: string
export function cacheDir(): string
export function mysqlPrograms(prefix: string): Omit<UnpackedMysql, 'version'>
export function findMysql(): UnpackedMysql | undefined
export function findProgram(...names: string[]): string | undefined
export function findSwift(): string | undefined
export function inPrefix(prefix: string, program: string): readonly string[]
export function azuriteProgram(): string
export function gcsProgram(): string
export function pythonEnv(prefix: string): Readonly<Record<string, string>>
