import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import t from 'tap'
import { startHttpServer } from '../../src/http/server.ts'
import { tabletctl, testShard } from '../cli/run-tabletctl.ts'
import { ALIAS, FakeControl, context } from './fake-control.ts'
import { testServer, withToken, type TestServer } from './test-server.ts'

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)
const TLS = { certFile: fixture('tablet.pem'), keyFile: fixture('tablet-key.pem') }
const WITH_CLIENTS = { ...TLS, clientCaFile: fixture('ca.pem') }

async function ask(server: TestServer, asked: { readonly method: string, readonly path: string, readonly as?: string }): Promise<number> {
  const certificate = asked.as === undefined ? {} : { cert: await readFile(fixture(`${asked.as}.pem`)), key: await readFile(fixture(`${asked.as}-key.pem`)) }
  const options = { host: '127.0.0.1', port: server.port, method: asked.method, path: asked.path, headers: withToken(), agent: false, ...certificate }
  const ca = await readFile(fixture('ca.pem'))
  return await new Promise((resolve, reject) => {
    request({ ...options, ca }, (response) => { response.resume(); resolve(response.statusCode ?? 0) }).on('error', reject).end()
  })
}

t.test('over TLS probes and the token work as without it', async (t) => {
  await using server = await testServer({ tls: TLS })
  t.equal(await ask(server, { method: 'GET', path: '/replica' }), 200)
  t.equal(await ask(server, { method: 'POST', path: '/v1/tablet/wake' }), 202)
})

t.test('with tls-client-ca a change needs a certificate of that authority, a probe needs none', async (t) => {
  await using server = await testServer({ tls: WITH_CLIENTS })
  t.equal(await ask(server, { method: 'GET', path: '/replica' }), 200)
  t.equal(await ask(server, { method: 'POST', path: '/v1/tablet/wake' }), 401)
  t.equal(await ask(server, { method: 'POST', path: '/v1/tablet/wake', as: 'stranger' }), 401)
  t.equal(await ask(server, { method: 'POST', path: '/v1/tablet/wake', as: 'tablet' }), 202)
  t.same(server.control.asked, ['wake'])
})

t.test('tabletctl speaks TLS where its settings have certificates', async (t) => {
  await using shard = await testShard()
  await using server = await testServer({ tls: WITH_CLIENTS })
  await shard.publish({ alias: ALIAS, httpPort: server.port })
  const files = ['--tls-cert', TLS.certFile, '--tls-key', TLS.keyFile, '--tls-client-ca', WITH_CLIENTS.clientCaFile]
  const drain = ['change-tablet-type', ALIAS, 'drained', ...shard.flags]
  t.match(await tabletctl([...drain, ...files]), { code: 0, stdout: /is DRAINED/ })
  t.match(await tabletctl(drain), { code: 69, stderr: /TABLET_UNREACHABLE/ })
})

t.test('TLS files that cannot be used are SETTINGS_INVALID', async (t) => {
  await using server = await testServer()
  const bad = join(server.dir, 'bad.pem')
  await writeFile(bad, 'not a certificate')
  for (const certFile of [bad, join(server.dir, 'missing')]) {
    await t.rejects(startHttpServer({ port: 0, bindAddress: '127.0.0.1', tls: { ...TLS, certFile } }, new FakeControl(), context()), { code: 'SETTINGS_INVALID' })
  }
})
