/** Settings: the mysqld beside the daemon, how it is started and stopped, and the accounts used on it. */
import { REQUIRED, boolean, choice, derived, duration, integer, path, secretFile, text } from '../setting.ts'

const userName = { what: 'an account name of at most 32 characters', matches: /^[^\0\r\n'"\\]{1,32}$/ } as const

export const MYSQLD_SETTINGS = {
  'my-cnf': path({
    default: undefined, aliases: ['mycnf-file'],
    doc: 'The server\'s defaults file; data directory, socket, port and log names are read from it. Needed unless `mysqld-control` is none.',
  }),
  'server-id': integer({
    default: undefined, min: 1, max: 4_294_967_295,
    doc: 'server_id of servers that tabletd makes; unset, each gets a number of its own. A server that already had data keeps its own.',
    reason: 'Replication drops transactions that carry the own number, so a tablet made again must not have the one it wrote under before.',
  }),
  'mysqld-control': choice({
    default: 'supervised', values: ['supervised', 'systemd', 'command', 'none'],
    doc: 'Who starts and stops mysqld: tabletd itself (and it adopts one that runs), a systemd unit, two commands, or nobody. '
      + 'With none, restores and engines that stop mysqld are refused.',
  }),
  'mysqld-path': path({
    default: undefined,
    doc: 'The server program, also with systemd and command, for starts with flags of their own. Unset: mysqld or mariadbd, '
      + 'looked for in PATH and the usual directories.',
  }),
  'mysqld-user': text({
    default: undefined, what: 'a user name', matches: /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/,
    doc: 'User that mysqld runs as when tabletd runs as root. Unset: the owner of the data directory, else mysql.',
  }),
  'mysqld-unit': text({
    default: undefined, what: 'a unit name', matches: /^[A-Za-z0-9:_.@\\-]+$/,
    doc: 'systemd unit of mysqld, with `mysqld-control` systemd.',
  }),
  'mysqld-start-command': text({
    default: undefined, doc: 'Command that starts mysqld, with `mysqld-control` command; split into words as a shell would, but no shell runs it.',
  }),
  'mysqld-stop-command': text({
    default: undefined, doc: 'Command that stops mysqld cleanly, with `mysqld-control` command.',
  }),
  'stop-mysqld-on-exit': boolean({
    default: derived('true when tabletd is process 1, else false'),
    doc: 'Whether SIGTERM to tabletd also stops mysqld cleanly. Elsewhere mysqld runs on, so restarting the daemon harms nobody.',
  }),
  'mysql-shutdown-timeout': duration({
    default: 300_000, vitess: true, min: 1000,
    doc: 'How long a clean stop of mysqld is waited for before the step counts as failed; mysqld is never killed.',
    reason: 'Vitess\'s. Flushing a large buffer pool takes minutes.',
  }),
  'db-socket': path({
    default: undefined, vitess: true, doc: 'Unix socket of mysqld. Unset: the one of the defaults file.',
  }),
  'db-dba-user': text({
    default: 'vt_dba', vitess: true, ...userName, doc: 'Account with which tabletd manages mysqld, over the socket only.',
  }),
  'db-dba-password-file': secretFile({
    default: REQUIRED, doc: 'File that holds the password of `db-dba-user`. Read anew each second: a corrected one needs no restart.',
  }),
  'db-repl-user': text({
    default: 'vt_repl', vitess: true, ...userName, doc: 'Account with which replicas connect to the primary; the same on every tablet of the shard.',
  }),
  'db-repl-password-file': secretFile({
    default: REQUIRED, doc: 'File that holds the password of `db-repl-user`; the same on every tablet of the shard. Read anew each second.',
  }),
  'db-ssl-mode': choice({
    default: 'preferred', vitess: true, values: ['disabled', 'preferred', 'required'], later: ['verify_ca', 'verify_identity'],
    doc: 'Encryption of connections to other servers: replication, and looking at a primary before attaching to it.',
  }),
} as const
