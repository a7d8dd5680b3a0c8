import { connect, type Socket } from 'node:net'
import t from 'tap'
import { startAgentCheck, type AgentCheck } from '../../src/http/agent-check.ts'
import { blocker } from '../../src/model/blocker.ts'
import { waitFor } from '../support/wait-for.ts'
import { FakeControl, context, snapshot } from './fake-control.ts'
import { raw } from './test-server.ts'

interface Agent extends AsyncDisposable { readonly control: FakeControl, readonly port: number }

async function agent(): Promise<Agent> {
  const control = new FakeControl()
  const check: AgentCheck = await startAgentCheck({ port: 0, bindAddress: '127.0.0.1' }, control, context())
  return { control, port: check.port, [Symbol.asyncDispose]: () => check[Symbol.asyncDispose]() }
}

/** A connection that does with itself what it is told to. */
const open = (port: number, then: (socket: Socket) => void): Promise<Socket> => new Promise((resolve) => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => { then(socket); resolve(socket) })
  socket.on('error', () => undefined)
})

t.test('a client is told one line as of now, without a word of its own, and then the end', async (t) => {
  await using one = await agent()
  t.equal(await raw(one.port, ''), 'ready up 100%\n')
  one.control.snapshot = snapshot({ type: 'SPARE', state: 'spare', blockers: [blocker('lag-too-high')] })
  t.match(await raw(one.port, ''), /^down #lag-too-high: .*\n$/)
  one.control.snapshot = undefined
  t.match(await raw(one.port, ''), /^down #starting: .*\n$/)
})

t.test('what agent-send says is read and ignored', async (t) => {
  await using one = await agent()
  for (const text of ['n1\n', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(1_000_000)]) t.equal(await raw(one.port, text), 'ready up 100%\n', text.slice(0, 20))
})

t.test('clients that reset, that stay, and that never read harm nobody, and are gone in a few seconds', async (t) => {
  await using one = await agent()
  for (let i = 0; i < 50; i++) await open(one.port, (socket) => { socket.resetAndDestroy() })
  let closed = 0
  const staying = await Promise.all(Array.from({ length: 400 }, () => open(one.port, (socket) => {
    socket.pause()
    socket.on('close', () => { closed++ })
  })))
  t.equal(await raw(one.port, ''), 'ready up 100%\n')
  // the daemon cuts them off by a reset, which a write meets with
  await waitFor('each is cut off', () => {
    for (const socket of staying) if (!socket.destroyed) socket.write('x')
    return closed === 400
  })
  t.equal(await raw(one.port, ''), 'ready up 100%\n')
})

t.test('a port that is taken is PORT_IN_USE, an address that is not ours SETTINGS_INVALID', async (t) => {
  await using one = await agent()
  await t.rejects(startAgentCheck({ port: one.port, bindAddress: '127.0.0.1' }, one.control, context()), { code: 'PORT_IN_USE' })
  await t.rejects(startAgentCheck({ port: 0, bindAddress: '192.0.2.1' }, one.control, context()), { code: 'SETTINGS_INVALID' })
})

t.test('it ends at once, with clients connected, and listens no longer', async (t) => {
  const one = await agent()
  await open(one.port, (socket) => { socket.pause() })
  await one[Symbol.asyncDispose]()
  await t.rejects(raw(one.port, ''), { code: 'ECONNREFUSED' })
})
