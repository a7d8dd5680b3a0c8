/** Settings: which tablet this is, and where it keeps what it must remember. */
import { isKeyspaceName, isShardPart, parseAlias } from '../../model/tablet.ts'
import { LOG_LEVELS } from '../../base/logger.ts'
import { REQUIRED, canonical, choice, derived, pairs, path, text } from '../setting.ts'

export const TABLET_SETTINGS = {
  'tablet-path': canonical({
    default: REQUIRED, vitess: true, placeholder: '<cell-uid>', read: parseAlias,
    doc: 'Alias of this tablet, `<cell>-<uid>` as `zone1-0000000101`; the uid is a number of 32 bits, unlike that of any other tablet.',
  }),
  'init-keyspace': text({
    default: REQUIRED, vitess: true, what: 'a keyspace name (letters, digits, _ and -, not beginning with -)', matches: isKeyspaceName,
    doc: 'Keyspace of this tablet: the logical database, and the first directory of its backups.',
  }),
  'init-shard': text({
    default: REQUIRED, vitess: true, what: 'a shard name such as 0, -80 or 80-', matches: isShardPart,
    doc: 'Shard of this tablet, as `0`, `-80` or `80-`.',
  }),
  'init-tablet-type': choice({
    default: 'replica', vitess: true, values: ['replica', 'rdonly'],
    doc: 'What this tablet is when it is healthy and not the primary. A replica acknowledges semi-sync; an rdonly never does.',
  }),
  'init-db-name-override': text({
    default: undefined, vitess: true, what: 'a schema name of at most 64 characters', matches: (name) => name.length <= 64 && !name.includes('/'),
    doc: 'Schema that must exist before this tablet is healthy. Unset: any schema that is neither the system\'s nor tabletd\'s own. '
      + '(Vitess: `vt_<keyspace>` when unset.)',
  }),
  'init-tags': pairs({
    default: {}, vitess: true, doc: 'Tags of this tablet in the topology.',
  }),
  'tablet-dir': path({
    default: derived('/var/lib/tabletd/<tablet-path>'),
    doc: 'Directory of tabletd itself: sentinel, journal, admin socket, what it last read of the topology. Not the data directory.',
  }),
  'tablet-hostname': text({
    default: derived('the host name of the machine'), vitess: true, what: 'a host name or an address', matches: /^[A-Za-z0-9._:-]+$/,
    doc: 'Name under which other machines reach this one; replicas connect to it when this tablet is the primary.',
  }),
  'log-level': choice({
    default: 'info', values: LOG_LEVELS, doc: 'How much is logged. The log is one line of JSON an event, on standard output.',
  }),
} as const
