/** The router of the API: routes as data on one side, fastify on the other. Authority is judged before a body is read. */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import type { ApiReply, ApiRoute } from './api-route.ts'
import type { TabletControl } from './control.ts'
import { sendEvents, streamSlots, type StreamSlots } from './event-stream.ts'
import { fromFrameworkError, problemOf } from './problem.ts'

const BODY_LIMIT = 64 * 1024

export interface ApiParts {
  readonly routes: readonly ApiRoute[]
  readonly control: TabletControl
  /** Rejects when the caller may not do what it asks. */
  readonly authorize: (request: FastifyRequest) => Promise<void>
}

export async function buildApi({ routes, control, authorize }: ApiParts, ctx: ActionContext): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 300 },
    // a mistyped or unknown member is refused, never dropped: `allow_primary` must not pass as "not given"
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    frameworkErrors: (error, _request, reply) => { sendProblem(reply as FastifyReply, fromFrameworkError(error)) },
  })
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else void parseJson(request, text as string, done)
  })
  app.addHook('onRequest', authorize)
  app.setNotFoundHandler((request) => { throw new TabletError('NOT_FOUND', `cannot find ${request.method} ${request.url.slice(0, 200)}`) })
  app.setErrorHandler((error, _request, reply) => {
    const known = fromFrameworkError(error)
    if (known.code === 'INTERNAL') ctx.log.error({ err: error, code: known.code }, 'an HTTP request failed unexpectedly')
    sendProblem(reply, known)
  })
  const slots = streamSlots()
  for (const route of routes) addRoute(app, route, { control, ctx, slots })
  await app.ready()
  return app
}

interface Used {
  readonly control: TabletControl
  readonly ctx: ActionContext
  readonly slots: StreamSlots
}

function addRoute(app: FastifyInstance, route: ApiRoute, used: Used): void {
  app.route({
    method: route.method,
    exposeHeadRoute: route.method === 'GET' && route.contentType !== 'text/event-stream',   // a HEAD must not follow an operation
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    schema: {
      ...route.params === undefined ? {} : { params: { type: 'object', properties: route.params } },
      querystring: { type: 'object', properties: route.query ?? {}, additionalProperties: false },
      // without a body there is nothing to check, unless the route requires a member
      ...route.body === undefined ? {} : { body: 'required' in route.body ? route.body : { ...route.body, type: ['object', 'null'] } },
    },
    handler: async (request, reply) => {
      const headers = request.headers as Readonly<Record<string, string | undefined>>
      const answer = await route.handle({
        params: request.params as Readonly<Record<string, string>>, query: request.query as Readonly<Record<string, string>>,
        headers, body: request.body ?? undefined,
      }, used.control, used.ctx)
      return await sendReply(reply, answer, used)
    },
  })
}

async function sendReply(reply: FastifyReply, answer: ApiReply, { ctx, slots }: Used): Promise<FastifyReply> {
  if ('events' in answer) {
    reply.hijack()
    using slot = slots.take()
    await sendEvents(reply.raw, answer.events, { ...ctx, signal: AbortSignal.any([ctx.signal, slot.signal]) })
    return reply
  }
  reply.code(answer.status).header('cache-control', 'no-store').headers(answer.headers ?? {})
  if ('text' in answer) return await reply.send(answer.text)
  return await reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer.json))
}

function sendProblem(reply: FastifyReply, error: TabletError): void {
  const problem = problemOf(error)
  if (error.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer realm="tabletd"')
  void reply.code(problem.status).header('cache-control', 'no-store')
    .header('content-type', 'application/problem+json; charset=utf-8').send(JSON.stringify(problem))
}
