/**
 * Whether a server that others start is read-only from birth: my.cnf must say so, and mysqld-auto.cnf, which beats it,
 * must not say otherwise. Where tabletd starts mysqld itself a flag beats both.
 */
import { join } from 'node:path'
import { readIfPresent } from '../base/durable-file.ts'
import { messageOf, TabletError } from '../base/errors.ts'
import type { ServerOptions } from './server-options.ts'

/** Variables that mysqld-auto.cnf sets, lower case with underscores. */
export type PersistedVariables = ReadonlyMap<string, string>

/**
 * Reads MySQL's mysqld-auto.cnf: version 1 nests `{ "mysql_server": { name: { "Value": … } } }`, version 2 (8.0.29) has
 * groups `mysql_dynamic_variables`, `mysql_static_variables` and others, and values that are strings or objects.
 * Undefined when it is no such file.
 */
export function parseAutoCnf(text: string): PersistedVariables | undefined {
  try {
    const found = new Map<string, string>()
    collect(JSON.parse(text), found)
    return found
  } catch {
    return undefined
  }
}

function collect(value: unknown, found: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner !== 'object' || inner === null) continue
    const { Value: given } = inner as { readonly Value?: unknown }
    if (typeof given === 'string' || typeof given === 'number') found.set(name.toLowerCase().replaceAll('-', '_'), String(given))
    else collect(inner, found)
  }
}

/** Why the server would come up writable, in words; undefined when it comes up read-only. Pure. */
export function readOnlyAtBoot(options: Pick<ServerOptions, 'flavor' | 'readOnly' | 'superReadOnly'>, autoCnf: PersistedVariables | undefined): string | undefined {
  const isOff = (name: string): boolean => /^(?:OFF|0|FALSE)$/i.test(autoCnf?.get(name) ?? '')
  if (options.flavor === 'mysql') {
    // read_only=OFF takes super_read_only along (tried); super_read_only=OFF leaves holders of SUPER able to write
    const contradiction = ['super_read_only', 'read_only'].find(isOff)
    if (contradiction !== undefined) return `mysqld-auto.cnf sets ${contradiction}=OFF`
    const persisted = /^(?:ON|1|TRUE)$/i.test(autoCnf?.get('super_read_only') ?? '')
    return options.superReadOnly || persisted ? undefined : 'my.cnf does not set super_read_only=ON'
  }
  return options.readOnly ? undefined : 'my.cnf does not set read_only=ON'
}

/** @throws TabletError NOT_READ_ONLY_AT_BOOT, also when mysqld-auto.cnf cannot be read: it might say anything. */
export async function requireReadOnlyAtBoot(options: ServerOptions): Promise<void> {
  const path = join(options.paths.dataDir, 'mysqld-auto.cnf')
  const refuse = (why: string): TabletError => new TabletError('NOT_READ_ONLY_AT_BOOT', `mysqld would come up writable: ${why}`)
  let text: string | undefined
  try {
    text = options.flavor === 'mysql' ? await readIfPresent(path) : undefined
  } catch (error) {
    throw refuse(`${path} cannot be read: ${messageOf(error)}`)
  }
  const persisted = text === undefined ? undefined : parseAutoCnf(text)
  if (text !== undefined && persisted === undefined) throw refuse(`${path} is not JSON`)
  const why = readOnlyAtBoot(options, persisted)
  if (why !== undefined) throw refuse(why)
}
