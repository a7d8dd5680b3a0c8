/** Operations of one tablet: beginning them, following them, ending them. */
import { randomUUID } from 'node:crypto'
import type { ActionContext } from '../../base/action.ts'
import { retry } from '../../base/repeat.ts'
import { TabletError } from '../../base/errors.ts'
import type { Operation } from '../../model/operation.ts'
import { parseAlias } from '../../model/tablet.ts'
import type { CommandOption, CtlCommand } from '../command.ts'
import { followOperation } from '../follow-operation.ts'
import { progressView } from '../progress.ts'
import type { Session } from '../session.ts'
import { askTablet, type TabletTarget } from '../tablet-client.ts'
import { printable, seconds, size, table } from '../text.ts'

export const DETACH: CommandOption = { name: 'detach', doc: 'begin it and return at once' }

/** Begins an operation; a request whose answer was lost is repeated under one key, which begins it once. */
export async function beginOperation(
  target: TabletTarget, asked: { readonly path: string, readonly body: object }, ctx: ActionContext,
): Promise<Operation> {
  const headers = { 'idempotency-key': randomUUID() }
  // only /v1/backups knows keys; a restore whose answer was lost is refused as OPERATION_RUNNING, which names it
  const attempts = asked.path === '/v1/backups' ? 2 : 1
  const answer = await retry({ attempts, firstMs: 200, maxMs: 200 }, ({ signal }) => askTablet(target, { method: 'POST', ...asked, headers }, signal), ctx)
  return answer as Operation
}

/** Shows the operation until it ends, unless `detach`. @throws TabletError with the code of an operation that did not succeed. */
export async function showOperation(
  begun: { readonly target: TabletTarget, readonly operation: Operation, readonly detach: boolean }, session: Session, ctx: ActionContext,
): Promise<void> {
  const { target, operation, detach } = begun
  const { output } = session
  if (detach) {
    output.print(output.json ? JSON.stringify(operation, null, 2) : `${operation.kind} ${operation.id} has begun on ${target.alias}`)
    return
  }
  const view = progressView(output.progress)
  let ended: Operation
  try {
    ended = await followOperation({ target, id: operation.id }, (event) => { view.show(event) }, ctx)
  } catch (error) {
    if (ctx.signal.aborted) {
      view.end()
      output.progress.write(`stopped watching; the ${operation.kind} ${operation.id} goes on in ${target.alias} `
        + `(tabletctl follow-operation ${target.alias} ${operation.id}, or cancel-operation)\n`)
    }
    throw error
  } finally {
    view.end()
  }
  if (output.json) output.print(JSON.stringify(ended, null, 2))
  if (ended.state !== 'succeeded') throw errorOf(ended, target)
  if (!output.json) output.print(sentenceOf(ended))
}

function errorOf(ended: Operation, target: TabletTarget): TabletError {
  const code = ended.error?.code ?? (ended.state === 'cancelled' ? 'OPERATION_CANCELLED' : 'INTERNAL')
  return new TabletError(code, `the ${ended.kind} ${ended.id} of ${target.alias} ${ended.state === 'cancelled' ? 'was cancelled' : 'failed'}: ${ended.error?.message ?? 'no reason was given'}`)
}

function sentenceOf(ended: Operation): string {
  const facts = [
    ended.progress.doneBytes > 0 ? size(ended.progress.doneBytes) : undefined,
    ended.endedAt === undefined ? undefined : seconds((Date.parse(ended.endedAt) - Date.parse(ended.startedAt)) / 1000),
    ended.outOfServiceSeconds === undefined ? undefined : `out of service ${seconds(ended.outOfServiceSeconds)}`,
  ].filter((fact) => fact !== undefined)
  return `${ended.kind} complete: ${printable(ended.backup ?? ended.id)}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`
}

const listOperations: CtlCommand = {
  name: 'list-operations', aliases: ['operations', 'ListOperations'], args: ['<alias>'], options: [],
  summary: 'lists the operations of a tablet since its daemon started',
  run: async ({ args }, session, ctx) => {
    const target = await session.tablet(parseAlias(args[0] ?? ''), ctx)
    const { operations } = await askTablet(target, { method: 'GET', path: '/v1/operations' }, ctx.signal) as { readonly operations: readonly Operation[] }
    session.output.print(session.output.json
      ? JSON.stringify({ operations }, null, 2)
      : table(['ID', 'KIND', 'STATE', 'STARTED', 'STEP', 'BACKUP', 'ERROR'], operations.map((one) =>
        [one.id, one.kind, one.state, one.startedAt, one.progress.step, one.backup ?? '-', one.error === undefined ? '-' : `${one.error.code}: ${one.error.message}`])))
  },
}

const follow: CtlCommand = {
  name: 'follow-operation', aliases: ['FollowOperation'], args: ['<alias>', '<id>'], options: [],
  summary: 'shows an operation until it ends',
  run: async ({ args: [alias = '', id = ''] }, session, ctx) => {
    const target = await session.tablet(parseAlias(alias), ctx)
    const operation = await askTablet(target, { method: 'GET', path: `/v1/operations/${encodeURIComponent(id)}` }, ctx.signal) as Operation
    await showOperation({ target, operation, detach: false }, session, ctx)
  },
}

const cancel: CtlCommand = {
  name: 'cancel-operation', aliases: ['cancel', 'CancelOperation'], args: ['<alias>', '<id>'], options: [],
  summary: 'stops an operation and has it undone',
  run: async ({ args: [alias = '', id = ''] }, session, ctx) => {
    const target = await session.tablet(parseAlias(alias), ctx)
    const operation = await askTablet(target, { method: 'POST', path: `/v1/operations/${encodeURIComponent(id)}/cancel` }, ctx.signal) as Operation
    session.output.print(session.output.json ? JSON.stringify(operation, null, 2) : `${operation.kind} ${operation.id} is being cancelled`)
  },
}

export const operationCommands: readonly CtlCommand[] = [listOperations, follow, cancel]
