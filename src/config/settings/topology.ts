/** Settings: where shards and tablets are recorded. */
import { REQUIRED, choice, path } from '../setting.ts'

export const TOPOLOGY_SETTINGS = {
  'topo-implementation': choice({
    default: 'file', vitess: true, values: ['file'], later: ['etcd', 'etcd2', 'zookeeper', 'zk2', 'consul'],
    doc: 'Store of the topology. file: a directory, for the tablets of one machine.',
  }),
  'topo-root': path({
    default: REQUIRED, aliases: ['topo-global-root'],
    doc: 'Where in the store the topology lies; for file, its directory on a local file system.',
  }),
} as const
