import { connect, type Socket } from 'node:net'
import t from 'tap'
import { PROBES } from '../../src/http/probe-paths.ts'
import { waitFor } from '../support/wait-for.ts'
import { ask, raw, testServer } from './test-server.ts'

const statusLine = (answer: string): string => answer.split('\r\n')[0] ?? ''
const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4)

t.test('every probe answers GET, HEAD and OPTIONS with 200 or 503, over HTTP/1.0 without Host and over HTTP/1.1', async (t) => {
  await using server = await testServer()
  for (const path of [...Object.keys(PROBES), '/readyz/lag', '/readyz/no-such-check', '/replica?tag_dc=x', '/readyz?verbose']) {
    const statuses = new Set<string>()
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const old = await raw(server.port, `${method} ${path} HTTP/1.0\r\n\r\n`)
      t.match(statusLine(old), /^HTTP\/1\.1 (200 OK|503 Service Unavailable)$/, `${method} ${path}`)
      t.equal(bodyOf(old) === '', method !== 'GET', 'only GET has a body')
      statuses.add(statusLine(old).split(' ')[1] ?? '')
      statuses.add(String((await ask(server, { method, path })).status))
    }
    t.equal(statuses.size, 1, `${path} says the same to everyone`)
  }
})

t.test('HAProxy\'s own check, OPTIONS / HTTP/1.0 without any header, is answered as readyz', async (t) => {
  await using server = await testServer()
  t.match(statusLine(await raw(server.port, 'OPTIONS / HTTP/1.0\r\n\r\n')), /200/)
  server.control.snapshot = undefined
  t.match(statusLine(await raw(server.port, 'OPTIONS / HTTP/1.0\r\n\r\n')), /503/)
})

for (const target of ['/%zz', '/replica?lag=%zz', '/replica?lag=30s&lag=40s', '/replica?lag', '/replica?lag=30 s', '/rep\x01lica', '/replica?\xff', '/%']) {
  t.test(`a probe for ${JSON.stringify(target)} is 503`, async (t) => {
    await using server = await testServer()
    const answer = await raw(server.port, `GET ${target} HTTP/1.0\r\n\r\n`)
    t.match(statusLine(answer), /^HTTP\/1\.1 503/)
    t.match(JSON.parse(bodyOf(answer)), { ok: false, blockers: [{ name: 'bad-query', message: /./ }] })
  })
}

t.test('an answer to a probe fits one small packet and may not be cached', async (t) => {
  await using server = await testServer()
  const answer = await raw(server.port, 'GET /replica?lag=30s HTTP/1.0\r\n\r\n')
  t.ok(answer.length < 1400, `${answer.length} bytes`)
  t.match(answer, /cache-control: no-store/i)
  t.match(JSON.parse(bodyOf(answer)), { ok: true, probe: '/replica', type: 'REPLICA', lagSeconds: 0 })
})

t.test('clients that reset the connection harm nobody', async (t) => {
  await using server = await testServer()
  for (let i = 0; i < 50; i++) {
    await new Promise<void>((resolve) => {
      const socket = connect({ port: server.port, host: '127.0.0.1' }, () => {
        socket.write('GET /replica HTTP/1.0\r\n\r\n')
        socket.resetAndDestroy()
        resolve()
      })
      socket.on('error', () => { resolve() })
    })
  }
  t.equal((await ask(server, { path: '/replica' })).status, 200)
})

t.test('a probe is answered while requests that wait for mysqld hang', async (t) => {
  await using server = await testServer()
  const looked = Promise.withResolvers<never>()
  looked.promise.catch(() => undefined)
  server.control.observeNow = () => looked.promise
  const hanging = ask(server, { path: '/v1/tablet?fresh=1' })
  t.equal((await ask(server, { path: '/replica' })).status, 200)
  looked.reject(new Error('released'))
  t.equal((await hanging).status, 500)
})

t.test('a client that sends its request too slowly is cut off', { timeout: 20_000 }, async (t) => {
  await using server = await testServer()
  const answers = await Promise.all([raw(server.port, 'GET /replica HTTP/1.1\r\nX-Slow: '), raw(server.port, '')])
  for (const answer of answers) t.match(answer, /^(HTTP\/1\.1 408 |$)/)
})

t.test('more slow clients than may wait keep no load balancer out, and no one that asks is cut off for them', { timeout: 60_000 }, async (t) => {
  await using server = await testServer()
  const hung = Promise.withResolvers<never>()
  hung.promise.catch(() => undefined)
  server.control.observeNow = () => hung.promise
  const asking = ask(server, { path: '/v1/tablet?fresh=1' })
  const ended = { count: 0 }
  const slow = await Promise.all(Array.from({ length: 1_100 }, () => new Promise<Socket>((resolve) => {
    const socket = connect({ port: server.port, host: '127.0.0.1' }, () => { socket.write('GET /replica HTTP/1.1\r\nX-Slow: '); resolve(socket) })
    socket.on('error', () => undefined).on('close', () => { ended.count++ })
  })))
  for (let i = 0; i < 20; i++) t.equal((await ask(server, { path: '/replica' })).status, 200)
  await waitFor('those that waited longest are ended', () => ended.count >= 600)
  hung.reject(new Error('released'))
  t.equal((await asking).status, 500, 'who had asked was answered')
  for (const socket of slow) socket.destroy()
})

t.test('paths near a probe are no probes', async (t) => {
  await using server = await testServer()
  for (const path of ['/xxreplicaxx', '/replica/', '/Replica', '/__proto__']) {
    const { status, headers, json } = await ask(server, { path })
    t.equal(status, 404, path)
    t.match(headers['content-type'], 'application/problem+json')
    t.equal(json.code, 'NOT_FOUND')
  }
})
