import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isSafe } from '../../src/http/authority.ts'
import { CHECKS } from '../../src/http/checks.ts'
import { PROBES } from '../../src/http/probe-paths.ts'
import { allRoutes } from '../../src/http/server.ts'
import { ask, testServer } from './test-server.ts'

const DOCUMENT = await readFile(join(import.meta.dirname, '../../docs/http.md'), 'utf8')

t.test('openapi.json describes every route and probe, and nothing else', async (t) => {
  await using server = await testServer()
  const { status, json } = await ask(server, { path: '/openapi.json' })
  t.equal(status, 200)
  const described = Object.entries(json.paths as Record<string, object>).flatMap(([path, verbs]) => Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`))
  const expected = [...allRoutes('', { loopDelayMs: () => 0, facts: () => ({}) }).map(({ method, path }) => `${method} ${path}`), ...Object.keys(PROBES).map((path) => `GET ${path}`), 'GET /readyz/{check}']
  t.same(described.sort(), expected.sort())
  const verbs = Object.values(json.paths as Record<string, Record<string, { operationId: string }>>).flatMap((each) => Object.values(each))
  const ids = verbs.map(({ operationId }) => operationId)
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
})

t.test('every route that openapi.json describes answers, and no other method of it does', async (t) => {
  await using server = await testServer()
  const { json } = await ask(server, { path: '/openapi.json' })
  for (const [path, verbs] of Object.entries(json.paths as Record<string, object>)) {
    const real = path.replace('{name}', 'some-name').replace('{id}', 'op-9')
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const answer = await ask(server, { method, path: real, viaSocket: true, ...method === 'GET' ? {} : { body: {} } })
      const known = answer.json?.code !== 'NOT_FOUND' || answer.status !== 404
      t.equal(known, method.toLowerCase() in verbs, `${method} ${path}`)
    }
  }
})

t.test('openapi.json asks for the token exactly where the server does', async (t) => {
  await using server = await testServer()
  const { json } = await ask(server, { path: '/openapi.json' })
  for (const { method, path } of allRoutes('', { loopDelayMs: () => 0, facts: () => ({}) })) t.equal(json.paths[path][method.toLowerCase()].security !== undefined, !isSafe(method), `${method} ${path}`)
})

t.test('the server starts without a warning of its framework', async (t) => {
  const warnings: string[] = []
  const note = (warning: Error): void => { warnings.push(warning.message) }
  process.on('warning', note)
  await using server = await testServer()
  await ask(server, { path: '/openapi.json' })
  process.off('warning', note)
  t.same(warnings, [])
})

t.test('docs/http.md names every route and probe, and none that does not exist', async (t) => {
  const written = new Set([...DOCUMENT.matchAll(/^\| `(GET|POST|PUT|DELETE) (\/[^` ?]*)`/gm)].map(([, method, path]) => `${method} ${path}`))
  t.same([...written].sort(), allRoutes('', { loopDelayMs: () => 0, facts: () => ({}) }).map(({ method, path }) => `${method} ${path}`).sort())
  const probes = new Set([...DOCUMENT.matchAll(/^\| `(\/[^` ?]*)` \|/gm)].map(([, path]) => path))
  t.same([...probes].sort(), Object.keys(PROBES).sort())
})

t.test('docs/http.md has the sentence of every check', (t) => {
  for (const [check, sentence] of Object.entries(CHECKS)) t.ok(DOCUMENT.includes(`| ${check} | ${sentence} |`), check)
  t.end()
})
