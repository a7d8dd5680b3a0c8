/** The description at /openapi.json (OpenAPI 3.1), derived from the routes and probes themselves, so that it cannot lag behind them. */
import type { ApiRoute, JsonSchema } from './api-route.ts'
import { isSafe } from './authority.ts'
import { OPERATION_SCHEMA } from './operation-schema.ts'
import { CHECKS } from './checks.ts'
import { PROBES } from './probe-paths.ts'

const PROBLEM: JsonSchema = {
  type: 'object', required: ['type', 'title', 'status', 'detail', 'code', 'hint', 'retryable'],
  properties: {
    type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' },
    code: { type: 'string', description: 'one of docs/errors.md' }, hint: { type: 'string' }, retryable: { type: 'boolean' }, details: { type: 'object' },
  },
}

const PROBLEM_ANSWER = { description: 'a problem with code and hint (RFC 9457)', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } }

export function openApiOf(routes: readonly ApiRoute[], version: string): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  for (const [path, sentence] of Object.entries(PROBES)) paths[path] = { get: probeOf(path, sentence) }
  paths['/readyz/{check}'] = { get: { ...probeOf('/readyz-check', 'nothing of /readyz speaks against this one check'), parameters: [CHECK, ...PROBE_QUERY] } }
  return {
    openapi: '3.1.0',
    info: { title: 'tabletd', version, description: 'Safe verbs are open; unsafe verbs need the bearer token, or come over the admin socket.' },
    paths,
    components: { schemas: { Problem: PROBLEM, Operation: OPERATION_SCHEMA }, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

function operationOf(route: ApiRoute): JsonSchema {
  const parameters = [...parametersIn('path', route.params, true), ...parametersIn('query', route.query, false), ...parametersIn('header', route.headers, false)]
  const responses: Record<string, unknown> = { default: PROBLEM_ANSWER }
  for (const [status, description] of Object.entries(route.answers)) {
    responses[status] = Number(status) < 300 ? { description, content: { [route.contentType ?? 'application/json']: schemaOf(route) } } : { ...PROBLEM_ANSWER, description }
  }
  return {
    operationId: route.id, summary: route.summary, responses,
    ...parameters.length === 0 ? {} : { parameters },
    ...route.body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: route.body } } } },
    ...isSafe(route.method) ? {} : { security: [{ token: [] }] },
  }
}

const CHECK = { name: 'check', in: 'path', required: true, schema: { type: 'string', enum: Object.keys(CHECKS) } }

const PROBE_QUERY: readonly JsonSchema[] = [
  { name: 'lag', in: 'query', schema: { type: 'string' }, description: 'the most lag to accept, as 30s; anything unreadable is 503' },
  { name: 'tag_', in: 'query', style: 'form', schema: { type: 'string' }, description: 'tag_<name>=<value>: a tag that the tablet must carry (init-tags)' },
  { name: 'verbose', in: 'query', schema: { type: 'string' }, description: 'the body also lists every check; the status stays the same' },
]

function probeOf(path: string, sentence: string): JsonSchema {
  return {
    operationId: `probe${path.replace(/[/-](\w)/g, (_all, letter: string) => letter.toUpperCase())}`,
    summary: `200 when: ${sentence}. 503 otherwise.`,
    ...path === '/livez' ? {} : { parameters: PROBE_QUERY },
    responses: { 200: { description: 'yes' }, 503: { description: 'no, with every reason in the body' } },
  }
}

const schemaOf = ({ answerSchema }: ApiRoute): JsonSchema =>
  answerSchema === undefined ? {} : { schema: { $ref: `#/components/schemas/${answerSchema}` } }

const parametersIn = (place: string, schemas: ApiRoute['params'], required: boolean): readonly JsonSchema[] =>
  Object.entries(schemas ?? {}).map(([name, schema]) => ({ name, in: place, required, schema }))
