/** Backups as anybody's script takes them: asked for over HTTP with the token, followed at the address in Location. */
import type { OperationEvent } from '../../src/http/control.ts'
import type { ListedBackup } from '../../src/model/listed-backup.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { HttpAnswer } from './http-client.ts'
import { API_TOKEN } from './shard-place.ts'
import type { TestTablet } from './tablet.ts'

const AUTHORITY = { authorization: `Bearer ${API_TOKEN}` }

/** POST with authority; with a body even where it is empty, as scripts send it. */
export function post(
  tablet: TestTablet, path: string, body: object = {}, headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  return tablet.http('POST', path, { body, headers: { ...AUTHORITY, ...headers }, timeoutMs: 30_000 })
}

/** Asks for a backup and resolves to the operation's address. @throws Error unless it was accepted. */
export async function askForBackup(tablet: TestTablet, body: object = {}): Promise<string> {
  const answer = await post(tablet, '/v1/backups', body)
  const { location } = answer.headers
  if (answer.status !== 202 || typeof location !== 'string') throw new Error(`the backup was refused with ${answer.status}: ${answer.text}`)
  return location
}

/** The operation when it has ended, however. */
export function endOf(tablet: TestTablet, location: string, deadlineMs = 180_000): Promise<Operation> {
  return tablet.waitFor(`the operation at ${location} ends`, async () => {
    const operation = (await tablet.http('GET', location)).body as Operation
    return operation.state === 'running' ? undefined : operation
  }, deadlineMs)
}

/** Every event of an operation, from its first to its end. */
export async function eventsOf(tablet: TestTablet, location: string): Promise<readonly OperationEvent[]> {
  const { text } = await tablet.http('GET', `${location}/events`, { timeoutMs: 180_000 })
  return [...text.matchAll(/^event: \w+\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as OperationEvent)
}

export async function listBackups(tablet: TestTablet): Promise<readonly ListedBackup[]> {
  const answer = await tablet.http('GET', '/v1/backups')
  if (answer.status !== 200) throw new Error(`GET /v1/backups answered ${answer.status}: ${answer.text}`)
  return (answer.body as { readonly backups: readonly ListedBackup[] }).backups
}
