/**
 * The HTTP server of one tablet, over TCP and over the admin socket.
 *
 * Owns      the listeners, who may ask what, and the shape of answers.
 * Leaves    every decision about the tablet to `TabletControl`.
 * Promises  H1  a probe answers at once, from the snapshot, with 200 or 503.
 *           H2  nothing changes without the token or the admin socket.
 *           H3  a client that hangs up changes nothing.
 * See       docs/http.md
 */
import type { IncomingMessage, RequestListener } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { ActionContext } from '../base/action.ts'
import { TabletError, messageOf } from '../base/errors.ts'
import { readSecretFile } from '../config/secrets.ts'
import { DEFAULT_PROBE_LIMITS, type ProbeLimits } from './answer-probe.ts'
import { buildApi } from './api-app.ts'
import type { ApiRoute } from './api-route.ts'
import { isSafe, objectionTo, type Caller } from './authority.ts'
import { backupRoutes } from './backup-routes.ts'
import type { TabletControl } from './control.ts'
import { closeServer, listenSocket, listenTcp, type TlsFiles } from './listeners.ts'
import type { MetricFacts } from './metric-samples.ts'
import type { MetricSource } from './metrics.ts'
import { openApiOf } from './openapi.ts'
import { answerBrokenRequests, answeredAsProbe, watchLoopDelay } from './probe-handler.ts'
import { tabletRoutes } from './tablet-routes.ts'

export interface HttpOptions {
  /** 0 picks a free one. */
  readonly port: number
  readonly bindAddress: string
  /** Path of the unix socket; none is made without it. */
  readonly adminSocket?: string
  /** File with the bearer token, read anew for each unsafe request; without it only the admin socket has authority. */
  readonly tokenFile?: string
  /** Names that requests may call this tablet by, beside addresses and localhost: tablet-hostname. */
  readonly hostnames?: readonly string[]
  readonly tls?: TlsFiles
  readonly version?: string
  readonly probeLimits?: ProbeLimits
  /** What `?tag_<name>=<value>` of a probe is compared with: init-tags. */
  readonly tags?: Readonly<Record<string, string>>
  /** What /metrics tells beside the snapshot. */
  readonly metricFacts?: () => MetricFacts
}

export interface HttpServer extends AsyncDisposable {
  /** The real one, also when 0 was asked for. */
  readonly port: number
}

/**
 * Listens until disposed. Streams of events end when `ctx.signal` aborts; probes go on until disposal.
 *
 * @throws TabletError PORT_IN_USE, SETTINGS_INVALID, LOCK_HELD, DIRECTORY_UNUSABLE when it cannot listen.
 */
export async function startHttpServer(options: HttpOptions, control: TabletControl, ctx: ActionContext): Promise<HttpServer> {
  await using opened = new AsyncDisposableStack()
  const closing = new AbortController()
  const under = { ...ctx, signal: AbortSignal.any([ctx.signal, closing.signal]) }
  const loop = opened.use(watchLoopDelay())
  const source = { control, limits: options.probeLimits ?? DEFAULT_PROBE_LIMITS, loopDelayMs: loop.delayMs, tags: options.tags ?? {} }

  // remembered by the listener it came through: an address that is missing only says that the client has gone
  const fromAdminSocket = new WeakSet<IncomingMessage>()
  const judge = ({ raw }: { readonly raw: IncomingMessage }): Promise<void> =>
    authorize(raw, { ...options, transport: fromAdminSocket.has(raw) ? 'admin-socket' : 'tcp' }, control)
  const metrics = { loopDelayMs: loop.delayMs, facts: options.metricFacts ?? (() => ({})) }
  const api = await buildApi({ routes: allRoutes(options.version ?? '', metrics), control, authorize: judge }, under)
  opened.defer(() => api.close())
  const listener: RequestListener = (request, response) => {
    if (!answeredAsProbe(request, response, source)) api.routing(request, response)
  }

  const tcp = await listenTcp(options, listener, ctx)
  answerBrokenRequests(tcp.server)
  opened.defer(() => closeServer(tcp.server))
  if (options.adminSocket !== undefined) {
    const admin = await listenSocket(options.adminSocket, (request, response) => {
      fromAdminSocket.add(request)
      listener(request, response)
    }, ctx)
    answerBrokenRequests(admin)
    opened.defer(() => closeServer(admin))
  }
  opened.defer(() => { closing.abort(new TabletError('STOPPING', 'the daemon is shutting down')) })
  const owned = opened.move()
  return { port: tcp.port, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Every route of the API, its own description included. */
export function allRoutes(version: string, metrics: MetricSource): readonly ApiRoute[] {
  const routes = [...backupRoutes(), ...tabletRoutes(metrics)]
  const description: ApiRoute = {
    method: 'GET', path: '/openapi.json', id: 'getOpenApi', summary: 'This description.', answers: { 200: 'OpenAPI 3.1' },
    handle: () => ({ status: 200, json: openApiOf([...routes, description], version) }),
  }
  return [...routes, description]
}

type Arrival = HttpOptions & Pick<Caller, 'transport'>

async function authorize(request: IncomingMessage, options: Arrival, control: TabletControl): Promise<void> {
  if (!isSafe(request.method ?? '')) {
    const token = await readToken(options.tokenFile)
    const objection = objectionTo(callerOf(request, options), { hostnames: options.hostnames ?? [], token })
    if (objection !== undefined) throw objection
  }
  // a port that another tablet has taken over since the topology was written must not carry out what was meant for its former owner
  const meant = request.headers['tablet-alias']
  const alias = control.latestSnapshot()?.alias
  if (meant !== undefined && alias !== undefined && meant !== alias) {
    throw new TabletError('TABLET_NOT_FOUND', `cannot act for ${String(meant).slice(0, 100)}: this is ${alias}`)
  }
}

function callerOf(request: IncomingMessage, options: Arrival): Caller {
  const { host, origin, authorization } = request.headers
  const socket = request.socket as Partial<TLSSocket>
  return {
    method: request.method ?? '', host, origin: typeof origin === 'string' ? origin : undefined, authorization,
    transport: options.transport,
    scheme: options.tls === undefined ? 'http' : 'https',
    certified: options.tls?.clientCaFile === undefined ? undefined : socket.authorized === true,
  }
}

async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readSecretFile(file)
  } catch (error) {
    throw new TabletError('FORBIDDEN', `cannot take the request over TCP: ${messageOf(error)}`, { cause: error })
  }
}
