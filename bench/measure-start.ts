/** The packed daemon from its start to the first probe that it answers, and its memory when nothing is asked of it. */
import { installPacked } from '../test/support/packed.ts'
import { startShard } from '../test/support/shard.ts'
import type { Bench } from './bench.ts'
import { idleBytes } from './idle.ts'
import type { Finding } from './report.ts'
import { MB } from './units.ts'

export async function measureStart(bench: Bench): Promise<readonly Finding[]> {
  const { server, options } = bench
  const installed = await installPacked(await bench.directory('packed-to-start'))
  await using shard = await startShard({ server, tablets: 1, command: [`${installed}/bin/tabletd`] })
  const tablet = shard.tablet(0)
  await shard.initPrimary(tablet)
  const seconds: number[] = []
  for (let round = 1; round <= options.rounds; round++) {
    await tablet.killDaemon('SIGTERM')
    const began = performance.now()
    const exit = await tablet.startDaemon()   // asks every 50 ms, so this is up to 50 ms more than it took
    if (exit !== undefined) throw new Error(`the daemon ended with ${exit.code ?? exit.signal}`)
    seconds.push((performance.now() - began) / 1000)
    bench.say(`start, round ${round}: ${(seconds.at(-1) ?? 0).toFixed(2)} s`)
    await tablet.becomes('PRIMARY')
  }
  return [
    { budget: 'start-probe', reference: [], ours: seconds },
    { budget: 'start-idle', reference: [], ours: [await idleBytes(bench, tablet) / MB] },
  ]
}
