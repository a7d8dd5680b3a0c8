import { link, lstat, rename, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { TabletError } from '../../src/base/errors.ts'
import { streamSlots } from '../../src/http/event-stream.ts'
import { startHttpServer } from '../../src/http/server.ts'
import { blocker } from '../../src/model/blocker.ts'
import { freePort } from '../support/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'
import { ALIAS, BACKUP, FakeControl, context, snapshot } from './fake-control.ts'
import { ask, raw, testServer, type Asked, type TestServer } from './test-server.ts'

const admin = (server: TestServer, asked: Asked) => ask(server, { method: 'POST', viaSocket: true, ...asked })

t.test('a backup begins with 202, the operation, and its address', async (t) => {
  await using server = await testServer()
  const answer = await admin(server, { path: '/v1/backups', body: { engine: 'builtin', concurrency: 2, allowPrimary: true, upgradeSafe: false } })
  t.match(answer, { status: 202, headers: { location: '/v1/operations/op-1' }, json: { id: 'op-1', kind: 'backup', state: 'running' } })
  t.same(server.control.asked, ['backup {"engine":"builtin","concurrency":2,"allowPrimary":true,"upgradeSafe":false}'])
  t.match(await ask(server, { path: '/v1/operations/op-1' }), { status: 200, json: { id: 'op-1' } })
  t.match(await ask(server, { path: '/v1/operations' }), { status: 200, json: { operations: [{ id: 'op-1' }] } })
  t.match(await admin(server, { path: '/v1/backups' }), { status: 202 }, 'no body means all defaults')
})

t.test('requests that are misspelled or out of bounds are refused, and nothing is asked of the tablet', async (t) => {
  await using server = await testServer()
  const bad: readonly (readonly [string, string, unknown])[] = [
    ['POST', '/v1/backups', { allow_primary: true }], ['POST', '/v1/backups', { concurrency: 0 }], ['POST', '/v1/backups', { concurrency: '4' }],
    ['POST', '/v1/backups', { concurrency: 1.5 }], ['POST', '/v1/backups', []], ['POST', '/v1/backups', 'null x'], ['POST', '/v1/backups', { allowPrimary: 'yes' }],
    ['POST', '/v1/restore', { backupTimestamp: 'yesterday' }], ['POST', '/v1/restore', { allowedEngines: 'builtin' }],
    ['PUT', '/v1/tablet/type', {}], ['PUT', '/v1/tablet/type', undefined], ['PUT', '/v1/tablet/type', { type: 'primary' }], ['PUT', '/v1/tablet/type', { type: 'rdonly' }],
    ['GET', '/v1/tablet?fresh=perhaps', undefined], ['GET', '/v1/tablet?stale=1', undefined], ['GET', '/v1/operations?limit=1', undefined],
    ['DELETE', '/v1/backups/..', undefined], ['DELETE', '/v1/backups/..%2f..%2fetc', undefined], ['DELETE', '/v1/backups/.x', undefined], ['DELETE', '/v1/backups/a%00b', undefined],
    ['DELETE', `/v1/backups/${'x'.repeat(256)}`, undefined], ['GET', '/v1/operations/..%2f', undefined],
  ]
  for (const [method, path, body] of bad) {
    const answer = await admin(server, { method, path, body })
    t.match(answer, { json: { code: /^(BAD_REQUEST|NOT_FOUND)$/, hint: String } }, `${method} ${path} ${JSON.stringify(body)}`)
    t.match(answer.headers['content-type'], 'application/problem+json')
  }
  t.same(server.control.asked, [])
})

t.test('an error answers as its row of the catalogue says, with code, hint and details', async (t) => {
  await using server = await testServer()
  server.control.failure = new TabletError('OPERATION_RUNNING', 'cannot begin a backup: op-7 runs', { details: { operation: 'op-7' } })
  t.match(await admin(server, { path: '/v1/backups', body: {} }), {
    status: 409, json: { type: 'urn:tabletd:error:OPERATION_RUNNING', status: 409, code: 'OPERATION_RUNNING', detail: 'cannot begin a backup: op-7 runs', hint: String, retryable: true, details: { operation: 'op-7' } },
  })
  server.control.failure = new TabletError('STORAGE_UNREACHABLE', 'no answer')
  t.equal((await ask(server, { path: '/v1/backups' })).status, 503)
})

t.test('an unexpected error says INTERNAL and nothing of its inside', async (t) => {
  await using server = await testServer()
  server.control.failure = new Error('secret at /etc/passwd')
  const answer = await ask(server, { path: '/v1/backups' })
  t.match(answer, { status: 500, json: { code: 'INTERNAL' } })
  t.notMatch(answer.text, /secret|passwd|\.ts/)
})

t.test('one Idempotency-Key begins one backup', async (t) => {
  await using server = await testServer()
  const post = (key: string, body: object = {}) => admin(server, { path: '/v1/backups', body, headers: { 'idempotency-key': key } })
  const both = await Promise.all([post('a'), post('a')])
  t.same(both.map(({ json }) => json.id), ['op-1', 'op-1'])
  t.match(await post('a', { engine: 'clone' }), { status: 400, json: { code: 'BAD_REQUEST' } }, 'another request under the same key')
  t.match(await post('b'), { status: 202, json: { id: 'op-2' } })
  server.control.failure = new TabletError('STORAGE_UNREACHABLE', 'no answer')
  t.equal((await post('c')).status, 503)
  server.control.failure = undefined
  t.match(await post('c'), { status: 202, json: { id: 'op-3' } }, 'a failure is not kept')
})

t.test('backups are listed, read and removed by name', async (t) => {
  await using server = await testServer()
  t.same((await ask(server, { path: '/v1/backups' })).json, { backups: [BACKUP] })
  t.same((await ask(server, { path: `/v1/backups/${BACKUP.name}` })).json, BACKUP)
  t.match(await ask(server, { path: '/v1/backups/none' }), { status: 404, json: { code: 'BACKUP_NOT_FOUND' } })
  t.match(await admin(server, { method: 'DELETE', path: `/v1/backups/${BACKUP.name}` }), { status: 200, json: { removed: BACKUP.name } })
  t.match(await admin(server, { method: 'DELETE', path: `/v1/backups/${BACKUP.name}` }), { status: 404 })
})

t.test('a restore is passed on with its confirmation', async (t) => {
  await using server = await testServer()
  const body = { backupTimestamp: '2026-01-01.000000', allowedEngines: ['builtin'], force: true, confirm: ALIAS, allowLastReplica: true }
  t.match(await admin(server, { path: '/v1/restore', body }), { status: 202, json: { kind: 'restore' } })
  t.same(server.control.asked, [`restore ${JSON.stringify(body)}`])
})

t.test('a tablet is drained and returned to its target type', async (t) => {
  await using server = await testServer()
  const put = (type: string) => admin(server, { method: 'PUT', path: '/v1/tablet/type', body: { type } })
  t.match(await put('drained'), { status: 200, json: { type: 'DRAINED' } })
  t.match(await put('REPLICA'), { status: 200, json: { type: 'REPLICA' } })
  t.same(server.control.asked, ['setType drained', 'setType target'])
})

t.test('a fresh look begins after the request came, and mysqld is asked once at a time', async (t) => {
  await using server = await testServer()
  const looks: PromiseWithResolvers<void>[] = []
  server.control.observeNow = async () => {
    const look = Promise.withResolvers<void>()
    const sentence = `look ${looks.push(look)}`
    await look.promise
    return snapshot({ sentence })
  }
  const first = ask(server, { path: '/v1/tablet?fresh=1' })
  await waitFor('the first look', () => looks.length === 1)
  const later = [1, 2, 3].map(() => ask(server, { path: '/v1/tablet?fresh=true' }))
  t.equal((await ask(server, { path: '/v1/tablet' })).json.alias, ALIAS, 'the latest snapshot needs no look')
  looks[0]?.resolve()
  t.equal((await first).json.sentence, 'look 1')
  await waitFor('the second look', () => looks.length === 2)
  looks[1]?.resolve()
  t.same((await Promise.all(later)).map(({ json }) => json.sentence), ['look 2', 'look 2', 'look 2'])
})

t.test('metrics tell the type, the blockers and the last operation, and leave out what is unknown', async (t) => {
  await using server = await testServer()
  const { lagSeconds: _unknown, ...without } = snapshot({ type: 'SPARE', blockers: [blocker('lag-unknown')] })
  server.control.snapshot = without
  server.control.operations = [{ id: 'a', kind: 'backup', state: 'succeeded', startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:01:00Z', progress: { step: 'done', doneBytes: 1, totalBytes: 1 } }]
  const { text, headers } = await ask(server, { path: '/metrics' })
  t.match(text, /^tabletd_stage_bytes_total\{stage="read"\} 7$/m)
  t.match(text, /^tabletd_stage_seconds_total\{stage="write"\} 0$/m, 'a stage that nothing has passed stands at 0')
  t.match(headers['content-type'], 'text/plain')
  for (const line of ['tabletd_tablet_type{type="SPARE"} 1', 'tabletd_tablet_type{type="REPLICA"} 0', 'tabletd_serving 0', 'tabletd_blocker{name="lag-unknown"} 1',
    'tabletd_mysqld_up 1', 'tabletd_last_operation_duration_seconds{kind="backup"} 60', 'tabletd_last_operation_succeeded{kind="backup"} 1']) t.ok(text.split('\n').includes(line), line)
  t.notMatch(text, /^tabletd_replication_lag_seconds \d/m)
  server.control.snapshot = snapshot({ lagSeconds: 7 })
  t.match((await ask(server, { path: '/metrics' })).text, /^tabletd_replication_lag_seconds 7$/m)
})

t.test('the status page needs nothing from elsewhere and shows hostile text as text', async (t) => {
  await using server = await testServer()
  server.control.snapshot = snapshot({ sentence: '<script>alert(1)</script>', blockers: [blocker('lag-too-high', { message: '"><img src=x>' })] })
  const { text, headers } = await ask(server, { path: '/' })
  t.match(headers['content-security-policy'], 'default-src \'none\'')
  t.notMatch(text, /<script|<img|https?:\/\//)
  server.control.snapshot = undefined
  t.equal((await ask(server, { path: '/' })).status, 200)
})

t.test('a port that is taken is PORT_IN_USE, and nothing is left listening', async (t) => {
  await using dir = await tempDir()
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  await waitFor('the other server', () => other.listening)
  const adminSocket = join(dir.path, 'admin.sock')
  await t.rejects(startHttpServer({ port, bindAddress: '127.0.0.1', adminSocket }, new FakeControl(), context()), { code: 'PORT_IN_USE', message: new RegExp(String(port)) })
  await t.rejects(lstat(adminSocket), { code: 'ENOENT' })
  other.close()
  await t.rejects(startHttpServer({ port, bindAddress: '192.0.2.1' }, new FakeControl(), context()), { code: 'SETTINGS_INVALID' })
})

t.test('the admin socket is 0600, replaces one that a killed daemon left, and is gone after the end', async (t) => {
  await using dir = await tempDir()
  const adminSocket = join(dir.path, 'admin.sock')
  const start = () => startHttpServer({ port: 0, bindAddress: '127.0.0.1', adminSocket }, new FakeControl(), context())
  // a socket file without a listener: bound, and its name kept by a link when node removes it on close
  const stale = createServer().listen(adminSocket)
  await waitFor('the stale socket', () => stale.listening)
  await link(adminSocket, `${adminSocket}.kept`)
  await new Promise((resolve) => { stale.close(resolve) })
  await rename(`${adminSocket}.kept`, adminSocket)
  {
    await using _server = await start()
    const found = await lstat(adminSocket)
    t.equal(found.mode & 0o777, 0o600)
    await t.rejects(start(), { code: 'LOCK_HELD' }, 'one that answers is not replaced')
    t.ok((await lstat(adminSocket)).isSocket())
  }
  await t.rejects(lstat(adminSocket), { code: 'ENOENT' })
  await writeFile(adminSocket, 'data')
  await t.rejects(start(), { code: 'DIRECTORY_UNUSABLE' }, 'a file is never removed')
  const long = join(dir.path, 'x'.repeat(120))
  await t.rejects(startHttpServer({ port: 0, bindAddress: '127.0.0.1', adminSocket: long }, new FakeControl(), context()), { code: 'SETTINGS_INVALID' })
})

t.test('the events of an operation are streamed until it ends', async (t) => {
  await using server = await testServer()
  await admin(server, { path: '/v1/backups' })
  const stream = ask(server, { path: '/v1/operations/op-1/events' })
  await waitFor('a follower', () => server.control.asked.includes('events op-1'))
  server.control.change('op-1', { progress: { step: 'copying', doneBytes: 80, totalBytes: 100 } })
  server.control.change('op-1', { state: 'succeeded' })
  const { text, headers } = await stream
  t.match(headers['content-type'], 'text/event-stream')
  const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, data]) => [event, JSON.parse(data ?? '').operation.state])
  t.same(events.at(0), ['progress', 'running'])
  t.same(events.at(-1), ['end', 'succeeded'])
  t.match(await ask(server, { path: '/v1/operations/none/events' }), { status: 404, json: { code: 'OPERATION_NOT_FOUND' } })
})

t.test('a client that hangs up ends its own stream and nothing else', async (t) => {
  await using server = await testServer()
  await admin(server, { path: '/v1/backups' })
  const socket = connect({ port: server.port, host: '127.0.0.1' })
  socket.write('GET /v1/operations/op-1/events HTTP/1.1\r\nHost: x\r\n\r\n')
  await waitFor('a follower', () => server.control.asked.includes('events op-1'))
  socket.resetAndDestroy()
  await waitFor('the end of the stream', () => server.control.asked.includes('events op-1 ended'))
  t.match((await ask(server, { path: '/v1/operations/op-1' })).json, { state: 'running' })
})

t.test('a stream does not hold up the end of the server', async (t) => {
  const server = await testServer()
  await admin(server, { path: '/v1/backups' })
  const following = raw(server.port, 'GET /v1/operations/op-1/events HTTP/1.0\r\n\r\n')
  await waitFor('a follower', () => server.control.asked.includes('events op-1'))
  await server[Symbol.asyncDispose]()
  t.match(await following, /event: progress/)
  t.ok(server.control.asked.includes('events op-1 ended'))
})

t.test('followers never take up every connection: one too many ends the oldest, and a HEAD follows nothing', async (t) => {
  const slots = streamSlots(2)
  const [first, second] = [slots.take(), slots.take()]
  second[Symbol.dispose]()
  const third = slots.take()
  t.notOk(first.signal.aborted, 'a place that was given back is free')
  const fourth = slots.take()
  t.same([first, third, fourth].map(({ signal }) => signal.aborted), [true, false, false])
  await using server = await testServer()
  await admin(server, { path: '/v1/backups' })
  t.equal((await ask(server, { method: 'HEAD', path: '/v1/operations/op-1/events' })).status, 404)
  t.equal((await ask(server, { method: 'HEAD', path: '/v1/operations/op-1' })).status, 200)
})

t.test('an operation is cancelled by request', async (t) => {
  await using server = await testServer()
  await admin(server, { path: '/v1/backups' })
  t.match(await admin(server, { path: '/v1/operations/op-1/cancel' }), { status: 202, json: { state: 'cancelled' } })
  t.match(await admin(server, { path: '/v1/operations/none/cancel' }), { status: 404, json: { code: 'OPERATION_NOT_FOUND' } })
})
