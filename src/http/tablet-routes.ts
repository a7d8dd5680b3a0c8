/** The tablet itself: what is known of it, its type, and what people and Prometheus read. */
import { withDeadline, type ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import type { ApiRoute, JsonSchema } from './api-route.ts'
import type { TabletControl } from './control.ts'
import { metricsText, type MetricSource } from './metrics.ts'
import { statusPage, STATUS_PAGE_HEADERS } from './status-page.ts'

const OBSERVE_DEADLINE_MS = 10_000

const TYPE_BODY: JsonSchema = {
  type: 'object', additionalProperties: false, required: ['type'],
  properties: { type: { type: 'string', maxLength: 20, description: 'drained, or the target type (replica, rdonly)' } },
}

/** The routes of one server: they share one fresh look among all who ask for it at the same time. */
export const tabletRoutes = (metrics: MetricSource): readonly ApiRoute[] => {
  const observe = sharedObservation()
  return [
    {
      method: 'GET', path: '/v1/tablet', id: 'getTablet', summary: 'Everything that is known of this tablet.',
      query: { fresh: { type: 'string', enum: ['1', 'true', '0', 'false'], description: 'look at mysqld now instead of taking the latest snapshot' } },
      answers: { 200: 'the snapshot', 504: 'mysqld did not answer in time' },
      handle: async ({ query }, control, ctx) => {
        const fresh = query['fresh'] === '1' || query['fresh'] === 'true'
        const known = fresh ? undefined : control.latestSnapshot()
        return { status: 200, json: known ?? await observe(control, ctx) }
      },
    },
    {
      method: 'PUT', path: '/v1/tablet/type', id: 'setTabletType', summary: 'Drains the tablet, or returns it to its target type. Durable.',
      body: TYPE_BODY,
      answers: { 200: 'the snapshot', 412: 'the tablet is the recorded primary' },
      handle: async ({ body }, control, ctx) => {
        const asked = readAskedType((body as { readonly type: string }).type, control.latestSnapshot())
        return { status: 200, json: await control.setType(asked, ctx) }
      },
    },
    {
      method: 'POST', path: '/v1/tablet/wake', id: 'wakeTablet', summary: 'Reads the topology now instead of at the next tick. For shard commands.',
      answers: { 202: 'it will' },
      handle: (_request, control) => {
        control.wake()
        return { status: 202, json: {} }
      },
    },
    {
      method: 'GET', path: '/metrics', id: 'getMetrics', summary: 'Metrics for Prometheus.', contentType: 'text/plain',
      answers: { 200: 'the metrics' },
      handle: async (_request, control) => ({ status: 200, ...await metricsText(control, metrics, Date.now()) }),
    },
    {
      method: 'GET', path: '/', id: 'getStatusPage', summary: 'A page for people. Always 200: ask a probe for health.', contentType: 'text/html',
      answers: { 200: 'the page' },
      handle: (_request, control) => {
        const text = statusPage(control.latestSnapshot(), control.listOperations())
        return { status: 200, text, headers: STATUS_PAGE_HEADERS }
      },
    },
  ]
}

function readAskedType(text: string, seen: TabletSnapshot | undefined): 'drained' | 'target' {
  const asked = text.toUpperCase()
  if (asked === 'DRAINED') return 'drained'
  if (asked === 'TARGET' || asked === seen?.targetType) return 'target'
  if (seen === undefined && (asked === 'REPLICA' || asked === 'RDONLY')) return 'target'
  const target = seen === undefined ? 'replica or rdonly' : seen.targetType.toLowerCase()
  throw new TabletError('BAD_REQUEST', `cannot change the type to ${JSON.stringify(text)}: it must be drained or the target type of this tablet (${target})`)
}

/**
 * Everyone may ask for a fresh look; however many do, mysqld is asked once at a time. A look that began before the
 * request came is not fresh for it: those who come meanwhile share the next one.
 */
function sharedObservation(): (control: TabletControl, ctx: ActionContext) => Promise<TabletSnapshot> {
  let running: Promise<unknown> | undefined
  let next: Promise<TabletSnapshot> | undefined
  const look = (control: TabletControl, ctx: ActionContext): Promise<TabletSnapshot> => {
    const mine = withDeadline('look at mysqld', OBSERVE_DEADLINE_MS, (under) => control.observeNow(under), ctx)
    const ended = mine.catch(() => undefined).then(() => { if (running === ended) running = undefined })
    running = ended
    return mine
  }
  return (control, ctx) => {
    if (running === undefined) return look(control, ctx)
    next ??= running.then(() => { next = undefined; return look(control, ctx) })
    return next
  }
}
