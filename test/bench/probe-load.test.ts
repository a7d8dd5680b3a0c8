import t from 'tap'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { startLoad } from '../../bench/run-load.ts'
import { largest } from '../../bench/statistics.ts'
import { leavesNothingBehind } from '../support/leftovers.ts'
import { waitFor } from '../support/wait-for.ts'

t.test('a request that has to wait is late by what it waited, and every answer counts', async (t) => {
  let asked = 0
  const held: (() => void)[] = []
  let holding = false
  const server = createServer((_request, response) => {
    asked++
    response.statusCode = 503
    const answer = (): void => { response.end('{"blockers":[]}') }
    if (holding) held.push(answer)
    else answer()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  await using load = startLoad({ port: (server.address() as AddressInfo).port, path: '/healthz', perSecond: 500, connections: 2 })
  await waitFor('it asks', () => asked > 20)
  load.count()
  holding = true
  const since = performance.now()
  await waitFor('every connection waits', () => held.length === 2)
  await waitFor('a while has passed', () => performance.now() - since > 400)
  holding = false
  for (const answer of held) answer()
  const before = asked
  await waitFor('it has caught up', () => asked > before + 100)
  const { latencies, statuses, failed, seconds } = await load.stop()
  t.ok(largest(latencies) >= 350, 'the wait is seen')
  t.ok(latencies.filter((ms) => ms > 100).length > 50, 'by every request that fell due meanwhile, not by two')
  t.equal(statuses['503'], latencies.length)
  t.equal(failed, 0)
  t.ok(seconds > 0.4)
})

t.test('a connection that is closed without an answer is counted', async (t) => {
  let asked = 0
  const server = createServer((request, response) => {
    if (++asked % 2 === 0) request.socket.destroy()
    else response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  await using load = startLoad({ port: (server.address() as AddressInfo).port, path: '/', perSecond: 200, connections: 2 })
  await waitFor('it asks', () => asked > 20)
  load.count()
  const from = asked
  await waitFor('it goes on', () => asked > from + 20)
  t.ok((await load.stop()).failed >= 8)
})

leavesNothingBehind(t)
