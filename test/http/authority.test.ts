import { connect } from 'node:net'
import { hostname } from 'node:os'
import { rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { objectionTo, type Caller } from '../../src/http/authority.ts'
import { ask, raw, testServer, withToken, TOKEN } from './test-server.ts'

const caller = (changes: Partial<Caller> = {}): Caller =>
  ({ transport: 'tcp', method: 'POST', scheme: 'http', host: 'db1.example:15100', origin: undefined, authorization: `Bearer ${TOKEN}`, ...changes })
const AUTHORITY = { hostnames: ['db1.example'], token: TOKEN }

const TABLE: readonly (readonly [string, Partial<Caller>, string | undefined])[] = [
  ['the token', {}, undefined],
  ['a lower-case scheme', { authorization: `bearer ${TOKEN}` }, undefined],
  ['no token', { authorization: undefined }, 'UNAUTHORIZED'],
  ['a wrong token', { authorization: 'Bearer wrong' }, 'UNAUTHORIZED'],
  ['a prefix of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 'UNAUTHORIZED'],
  ['the token as a password', { authorization: `Basic ${TOKEN}` }, 'UNAUTHORIZED'],
  ['an empty token', { authorization: 'Bearer ' }, 'UNAUTHORIZED'],
  ['its own origin', { origin: 'http://db1.example:15100' }, undefined],
  ['a foreign origin', { origin: 'http://evil.example' }, 'FORBIDDEN'],
  ['the origin null of a sandbox', { origin: 'null' }, 'FORBIDDEN'],
  ['the origin of another port', { origin: 'http://db1.example:8080' }, 'FORBIDDEN'],
  ['the origin of another scheme', { origin: 'https://db1.example:15100' }, 'FORBIDDEN'],
  ['a rebound name with matching origin', { host: 'evil.example:15100', origin: 'http://evil.example:15100' }, 'FORBIDDEN'],
  ['a name that ends with ours', { host: 'xdb1.example' }, 'FORBIDDEN'],
  ['no host', { host: undefined }, 'FORBIDDEN'],
  ['an empty host', { host: '' }, 'FORBIDDEN'],
  ['an address', { host: '10.1.2.3:15100' }, undefined],
  ['an address of version 6', { host: '[::1]:15100' }, undefined],
  ['localhost', { host: 'localhost:15100' }, undefined],
  ['the name of the machine', { host: hostname().toUpperCase() }, undefined],
  ['localhost without the token', { host: 'localhost:15100', authorization: undefined }, 'UNAUTHORIZED'],
  ['a safe verb without anything', { method: 'GET', host: undefined, authorization: undefined, origin: 'http://evil.example' }, undefined],
  ['the admin socket without a token', { transport: 'admin-socket', authorization: undefined, host: undefined }, undefined],
  ['the admin socket through a browser', { transport: 'admin-socket', origin: 'http://evil.example' }, 'FORBIDDEN'],
  ['the token without the certificate asked for', { certified: false }, 'UNAUTHORIZED'],
  ['the token with the certificate asked for', { certified: true }, undefined],
]

for (const [what, changes, code] of TABLE) {
  t.test(`${what} is ${code ?? 'accepted'}`, async (t) => { t.equal(objectionTo(caller(changes), AUTHORITY)?.code, code) })
}

t.test('without api-token-file nothing but the admin socket has authority', async (t) => {
  const none = { hostnames: [], token: undefined }
  for (const authorization of [undefined, 'Bearer ', 'Bearer undefined', 'Bearer x']) {
    t.equal(objectionTo(caller({ host: '127.0.0.1', authorization }), none)?.code, 'FORBIDDEN')
  }
  t.equal(objectionTo(caller({ transport: 'admin-socket', authorization: undefined }), none), undefined)
})

const UNSAFE = [
  ['POST', '/v1/backups'], ['DELETE', '/v1/backups/some-name'], ['POST', '/v1/restore'], ['POST', '/v1/operations/op-1/cancel'],
  ['PUT', '/v1/tablet/type'], ['POST', '/v1/tablet/wake'], ['POST', '/nowhere'], ['PATCH', '/v1/tablet'], ['DELETE', '/replica'],
] as const

t.test('every unsafe verb over TCP is refused without the token, and nothing is asked of the tablet', async (t) => {
  await using server = await testServer()
  await using bare = await testServer({ withoutToken: true })
  for (const [method, path] of UNSAFE) {
    const refused = await ask(server, { method, path, body: {} })
    t.match(refused, { status: 401, json: { code: 'UNAUTHORIZED' }, headers: { 'www-authenticate': /Bearer/ } }, `${method} ${path}`)
    t.match(await ask(bare, { method, path, headers: withToken(), body: {} }), { status: 403, json: { code: 'FORBIDDEN' } })
    t.match(await ask(server, { method, path, headers: withToken({ origin: 'http://evil.example' }), body: {} }), { status: 403 })
  }
  t.same([...server.control.asked, ...bare.control.asked], [])
})

t.test('the token over TCP and the bare admin socket are taken', async (t) => {
  await using server = await testServer()
  t.equal((await ask(server, { method: 'POST', path: '/v1/tablet/wake', headers: withToken() })).status, 202)
  t.equal((await ask(server, { method: 'POST', path: '/v1/tablet/wake', viaSocket: true })).status, 202)
  t.same(server.control.asked, ['wake', 'wake'])
})

t.test('the token file is read anew, and without it or with an empty one everybody is refused', async (t) => {
  await using server = await testServer()
  const wake = async (token: string) => (await ask(server, { method: 'POST', path: '/v1/tablet/wake', headers: { authorization: `Bearer ${token}` } })).status
  await writeFile(server.tokenFile, 'rotated')
  t.equal(await wake(TOKEN), 401)
  t.equal(await wake('rotated'), 202)
  await writeFile(server.tokenFile, '\n')
  t.equal(await wake(''), 403)
  await rm(server.tokenFile)
  t.equal(await wake('rotated'), 403)
})

t.test('a request over TCP whose client is already gone never counts as one over the admin socket', async (t) => {
  await using server = await testServer()
  for (let i = 0; i < 100; i++) {
    await new Promise<void>((resolve) => {
      const socket = connect({ port: server.port, host: '127.0.0.1' }, () => {
        socket.write('POST /v1/tablet/wake HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
        setImmediate(() => { socket.resetAndDestroy(); resolve() })
      })
      socket.on('error', () => { resolve() })
    })
  }
  t.equal((await ask(server, { path: '/livez' })).status, 200)
  t.same(server.control.asked, [])
})

t.test('what was meant for another tablet is refused', async (t) => {
  await using server = await testServer()
  const meant = (alias: string) => ask(server, { method: 'POST', path: '/v1/tablet/wake', viaSocket: true, headers: { 'tablet-alias': alias } })
  t.match(await meant('zone1-0000000999'), { status: 404, json: { code: 'TABLET_NOT_FOUND' } })
  t.equal((await meant('zone1-0000000101')).status, 202)
})

t.test('bodies are application/json and small, and are not read before authority is shown', async (t) => {
  await using server = await testServer()
  const post = (headers: Readonly<Record<string, string>>, body: string) => ask(server, { method: 'POST', path: '/v1/backups', viaSocket: true, headers, body })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense']) {
    t.match(await post({ 'content-type': type }, '{}'), { status: 415, json: { code: 'UNSUPPORTED_MEDIA_TYPE' } }, type)
  }
  t.match(await post({}, '{"a":'), { status: 400, json: { code: 'BAD_REQUEST' } })
  t.match(await post({}, '{"__proto__":{"x":1}}'), { status: 400, json: { code: 'BAD_REQUEST' } })
  t.match(await post({}, JSON.stringify({ engine: 'x'.repeat(70_000) })), { status: 400, json: { code: 'BAD_REQUEST' } })
  t.same(server.control.asked, [])
  t.match(await raw(server.port, 'POST /v1/backups HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 401 /)
})
