/** Backups, restores, and the operations that carry them. An operation lives in the daemon, not in the request. */
import { withDeadline } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { Operation } from '../model/operation.ts'
import type { ApiReply, ApiRoute, JsonSchema } from './api-route.ts'
import type { BackupRequest, RestoreRequest } from './control.ts'
import { IdempotencyKeys } from './idempotency.ts'

const LIST_DEADLINE_MS = 60_000   // a storage with thousands of backups answers in seconds; one that hangs must not pile up requests

const BACKUP_NAME: JsonSchema = { type: 'string', pattern: '^[^./\\\\\\u0000-\\u001f][^/\\\\\\u0000-\\u001f]{0,254}$', description: 'name of a backup' }
const OPERATION_ID: JsonSchema = { type: 'string', pattern: '^[-A-Za-z0-9_.]{1,128}$', description: 'id of an operation' }

const BACKUP_BODY: JsonSchema = {
  type: 'object', additionalProperties: false,
  properties: {
    engine: { type: 'string', minLength: 1, maxLength: 64, description: 'the engine to use; default: backup-engine-implementation' },
    concurrency: { type: 'integer', minimum: 1, maximum: 128, description: 'files copied at once; default: the setting' },
    allowPrimary: { type: 'boolean', description: 'let a primary be taken out of service for its backup' },
    upgradeSafe: { type: 'boolean', description: 'shut down with innodb_fast_shutdown=0, so that a newer server can use the copy' },
  },
}

const RESTORE_BODY: JsonSchema = {
  type: 'object', additionalProperties: false,
  properties: {
    backupTimestamp: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}\\.\\d{6}$', description: 'the newest backup at or before this time (UTC)' },
    allowedEngines: { type: 'array', maxItems: 16, items: { type: 'string', minLength: 1, maxLength: 64 }, description: 'backups of other engines are passed over' },
    force: { type: 'boolean', description: 'replace the data that is present; needs confirm' },
    confirm: { type: 'string', maxLength: 256, description: 'the alias of this tablet' },
    allowLastReplica: { type: 'boolean', description: 'even if this is the last healthy replica of its shard' },
  },
}

const accepted = (operation: Operation): ApiReply =>
  ({ status: 202, json: operation, headers: { location: `/v1/operations/${encodeURIComponent(operation.id)}` } })

/** A fresh set of routes: they remember the idempotency keys of one server. */
export const backupRoutes = (nowMs: () => number = Date.now): readonly ApiRoute[] => {
  const keys = new IdempotencyKeys<Operation>()
  return [
    {
      method: 'POST', path: '/v1/backups', id: 'beginBackup', answerSchema: 'Operation', summary: 'Begins a backup and answers at once.',
      headers: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 255, description: 'kept for 24 hours: the same key begins one backup' } },
      body: BACKUP_BODY,
      answers: { 202: 'the operation, its address in Location', 409: 'another operation runs; its id is details.operation', 412: 'the type of the tablet forbids it', 503: 'storage cannot be reached' },
      handle: async ({ body, headers }, control, ctx) => {
        const request = (body ?? {}) as BackupRequest
        const begin = (): Promise<Operation> => control.beginBackup(request, ctx)
        const key = headers['idempotency-key']
        if (key === undefined) return accepted(await begin())
        if (key === '' || key.length > 255) throw new TabletError('BAD_REQUEST', 'cannot take an Idempotency-Key of that length: it must have 1 to 255 characters')
        return accepted(await keys.once({ key, fingerprint: JSON.stringify(Object.entries(request).sort()), nowMs: nowMs() }, begin))
      },
    },
    {
      method: 'GET', path: '/v1/backups', id: 'listBackups', summary: 'All backups of the shard, oldest first, unfinished ones too.',
      answers: { 200: 'the backups', 503: 'storage cannot be reached' },
      handle: async (_request, control, ctx) =>
        ({ status: 200, json: { backups: await withDeadline('list backups', LIST_DEADLINE_MS, (under) => control.listBackups(under), ctx) } }),
    },
    {
      method: 'GET', path: '/v1/backups/{name}', id: 'getBackup', summary: 'One backup.', params: { name: BACKUP_NAME },
      answers: { 200: 'the backup', 404: 'there is none of that name' },
      handle: async ({ params }, control, ctx) =>
        ({ status: 200, json: await withDeadline('read the backup', LIST_DEADLINE_MS, (under) => control.getBackup(params['name'] ?? '', under), ctx) }),
    },
    {
      method: 'DELETE', path: '/v1/backups/{name}', id: 'removeBackup', summary: 'Removes a backup with all its files.', params: { name: BACKUP_NAME },
      answers: { 200: 'it is gone', 404: 'there is none of that name' },
      handle: async ({ params }, control, ctx) => {
        await control.removeBackup(params['name'] ?? '', ctx)
        return { status: 200, json: { removed: params['name'] } }
      },
    },
    {
      method: 'POST', path: '/v1/restore', id: 'beginRestore', answerSchema: 'Operation', summary: 'Begins to replace the data with a backup and answers at once.', body: RESTORE_BODY,
      answers: { 202: 'the operation, its address in Location', 409: 'another operation runs; its id is details.operation', 412: 'the type of the tablet or the data present forbids it' },
      handle: async ({ body }, control, ctx) => accepted(await control.beginRestore((body ?? {}) as RestoreRequest, ctx)),
    },
    ...operationRoutes,
  ]
}

const operationRoutes: readonly ApiRoute[] = [
  {
    method: 'GET', path: '/v1/operations', id: 'listOperations', summary: 'The operations of this daemon\'s life.',
    answers: { 200: 'the operations' },
    handle: (_request, control) => ({ status: 200, json: { operations: control.listOperations() } }),
  },
  {
    method: 'GET', path: '/v1/operations/{id}', id: 'getOperation', params: { id: OPERATION_ID }, answerSchema: 'Operation',
    summary: 'One operation with its progress, and the bytes and seconds of each stage.',
    answers: { 200: 'the operation', 404: 'there is none of that id' },
    handle: ({ params }, control) => ({ status: 200, json: control.getOperation(params['id'] ?? '') }),
  },
  {
    method: 'GET', path: '/v1/operations/{id}/events', id: 'followOperation', params: { id: OPERATION_ID },
    summary: 'Past events of the operation, then new ones until it ends: progress, log, end (server-sent events).',
    contentType: 'text/event-stream',
    answers: { 200: 'the events', 404: 'there is none of that id' },
    handle: ({ params }, control) => {
      const { id } = control.getOperation(params['id'] ?? '')   // a 404 must come before the stream begins
      return { events: (signal) => control.operationEvents(id, signal) }
    },
  },
  {
    method: 'POST', path: '/v1/operations/{id}/cancel', id: 'cancelOperation', answerSchema: 'Operation', summary: 'Asks an operation to stop and be undone.', params: { id: OPERATION_ID },
    answers: { 202: 'the operation as it is now', 404: 'there is none of that id' },
    handle: ({ params }, control) => ({ status: 202, json: control.cancelOperation(params['id'] ?? '') }),
  },
]
