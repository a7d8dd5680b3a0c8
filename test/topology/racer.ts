/** A process of its own for file-topology.test.ts: `race <root> <name> <rounds>` or `lock <root>` or `publish <root>`. */
import { TabletError } from '../../src/base/errors.ts'
import { openFileTopology } from '../../src/topology/file-topology.ts'
import { shard, shardRecord, tabletRecord, testContext } from '../contract/topology.ts'

const [, , verb = '', root = '', name = '', rounds = '0'] = process.argv
const ctx = testContext()
const topology = await openFileTopology({ root, create: true }, ctx)

if (verb === 'race') {
  // adds one to the term until it has won `rounds` times: no increment may be lost
  for (let won = 0; won < Number(rounds);) {
    const current = await topology.readShardRecord(shard, ctx)
    try {
      await topology.writeShardRecord(shardRecord((current?.record.term ?? 0) + 1, { primary: name }), current?.version, ctx)
      won++
    } catch (error) {
      if (!(error instanceof TabletError) || error.code !== 'TOPOLOGY_CONFLICT') throw error
    }
  }
} else {
  if (verb === 'lock') await topology.lockShard(shard, 'a command that will be killed', ctx)
  if (verb === 'publish') await topology.publishTablet(tabletRecord(101), 3_600_000, ctx)
  process.stdout.write('ready\n')
  setInterval(() => undefined, 1000)
}
