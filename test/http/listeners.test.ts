import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import type { ActionContext } from '../../src/base/action.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { closeServer, listenSocket, listenTcp } from '../../src/http/listeners.ts'
import { tempDir } from '../support/temp-dir.ts'

t.test('an error after it listens is logged, and does not end the daemon', async (t) => {
  await using dir = await tempDir()
  const said: string[] = []
  const log = { ...silentLogger(), error: (_fields: unknown, message: string) => { said.push(message) } } as unknown as ActionContext['log']
  const ctx: ActionContext = { signal: new AbortController().signal, log }
  const path = join(dir.path, 'admin.sock')
  const { server: tcp, port } = await listenTcp({ port: 0, bindAddress: '127.0.0.1' }, (_request, response) => { response.end() }, ctx)
  const socket = await listenSocket(path, (_request, response) => { response.end() }, ctx)
  for (const server of [tcp, socket]) server.emit('error', new Error('accept EMFILE'))   // as node:net does where accept(2) fails
  t.same(said, ['cannot take a connection: accept EMFILE', 'cannot take a connection: accept EMFILE'])
  for (const where of [{ host: '127.0.0.1', port }, { socketPath: path }]) {
    const status = await new Promise((resolve, reject) => {
      request({ ...where, agent: false }, (response) => { response.resume(); resolve(response.statusCode) }).on('error', reject).end()
    })
    t.equal(status, 200, 'it goes on')
  }
  await Promise.all([closeServer(tcp), closeServer(socket)])
})
