/**
 * Every way tabletd fails, in one table: what HTTP answers, what the process exits with, whether the
 * same call may succeed later, and what the operator can do. Codes are API: never renamed, never reused.
 *
 * Exit codes follow sysexits(3): 64 usage, 65 data, 69 unavailable, 70 bug, 73 cannot create,
 * 74 input/output, 75 try again, 77 permission, 78 configuration.
 */
export interface ErrorRow {
  readonly http: number
  readonly exit: number
  readonly retryable: boolean
  readonly hint: string
}

export const ERRORS = {
  // settings and process
  SETTINGS_INVALID: { http: 500, exit: 78, retryable: false, hint: 'Correct the settings named above; `tabletd --help` lists them all.' },
  PORT_IN_USE: { http: 500, exit: 69, retryable: true, hint: 'Another process listens on this port; stop it or set another one with --port.' },
  DIRECTORY_UNUSABLE: { http: 500, exit: 73, retryable: false, hint: 'Create the directory and give it to the user that tabletd runs as.' },
  LOCK_HELD: { http: 409, exit: 75, retryable: true, hint: 'Another tabletd manages this tablet or data directory; stop it first.' },
  STOPPING: { http: 503, exit: 0, retryable: true, hint: 'The daemon is shutting down; ask again when it has been started.' },
  INTERNAL: { http: 500, exit: 70, retryable: false, hint: 'This is a bug in tabletd; please report it with the log.' },
  DEADLINE_EXCEEDED: { http: 504, exit: 75, retryable: true, hint: 'The step took longer than its limit; see what the log says it waited for.' },
  ILLEGAL_EVENT: { http: 409, exit: 70, retryable: false, hint: 'The tablet is not in a type from which this can happen; see docs/tablet-state.md.' },

  // requests and operations
  BAD_REQUEST: { http: 400, exit: 64, retryable: false, hint: 'Compare the request with /openapi.json or `tabletctl help`.' },
  NOT_FOUND: { http: 404, exit: 65, retryable: false, hint: 'Nothing has that name here; list what there is.' },
  UNAUTHORIZED: { http: 401, exit: 77, retryable: false, hint: 'Send the bearer token of api-token-file, or use the admin socket on the machine itself.' },
  FORBIDDEN: { http: 403, exit: 77, retryable: false, hint: 'Requests that change something are taken only with the token or over the admin socket, with a matching Host and Origin.' },
  UNSUPPORTED_MEDIA_TYPE: { http: 415, exit: 64, retryable: false, hint: 'Send the body as application/json.' },
  OPERATION_RUNNING: { http: 409, exit: 75, retryable: true, hint: 'One operation runs at a time; wait for the one named, or cancel it.' },
  OPERATION_NOT_FOUND: { http: 404, exit: 65, retryable: false, hint: 'Operations are kept for the life of the daemon; list them with GET /v1/operations.' },
  OPERATION_CANCELLED: { http: 409, exit: 75, retryable: true, hint: 'The operation was cancelled and undone; ask for it again when wanted.' },
  OPERATION_INTERRUPTED: { http: 500, exit: 75, retryable: true, hint: 'The daemon or its machine stopped in the middle; what it had changed was put right at the next start.' },
  TYPE_FORBIDS: { http: 412, exit: 65, retryable: false, hint: 'This type of tablet cannot do that now; choose another tablet or change its type first.' },
  PRIMARY_NEEDS_ALLOW_PRIMARY: { http: 412, exit: 65, retryable: false, hint: 'Back up a replica instead, or repeat the command with --allow-primary: a primary serves nothing while it is copied.' },
  CONFIRM_REQUIRED: { http: 412, exit: 65, retryable: false, hint: 'Data is present: send force and confirm with the alias of this tablet to replace it.' },
  LAST_REPLICA: { http: 412, exit: 65, retryable: false, hint: 'This is the last healthy replica of its shard; pass allowLastReplica to take it out of service all the same.' },
  LAST_SEMI_SYNC_REPLICA: { http: 412, exit: 65, retryable: false, hint: 'The primary would block without this acknowledging replica; add another one first.' },
  TABLET_UNREACHABLE: { http: 503, exit: 69, retryable: true, hint: 'The daemon of that tablet did not answer at the address the topology gives; is it running?' },

  // mysqld
  MYSQLD_UNREACHABLE: { http: 503, exit: 69, retryable: true, hint: 'mysqld does not answer on its socket; see its error log.' },
  MYSQLD_ACCESS_DENIED: { http: 503, exit: 77, retryable: true, hint: 'mysqld refuses the account; correct db-dba-user and its password file, or the account in the server.' },
  MYSQLD_NOT_FOUND: { http: 500, exit: 78, retryable: false, hint: 'Set mysqld-path to the server program.' },
  MYSQLD_START_FAILED: { http: 503, exit: 69, retryable: true, hint: 'mysqld did not come up; its error log says why.' },
  MYSQLD_STOP_FAILED: { http: 503, exit: 69, retryable: true, hint: 'mysqld did not stop cleanly in time; it is waited for and never killed.' },
  MYSQLD_UNCLEAN_STOP: { http: 503, exit: 69, retryable: true, hint: 'mysqld ended without a clean shutdown; it is started again to recover, and the operation can be repeated then.' },
  MYSQLD_CRASH_LOOP: { http: 503, exit: 69, retryable: true, hint: 'mysqld keeps ending soon after its start; its error log says why.' },
  MYSQLD_NOT_CONTROLLED: { http: 412, exit: 78, retryable: false, hint: 'With mysqld-control none tabletd cannot stop or start mysqld; choose supervised, systemd or command.' },
  MYSQLD_UNSUPPORTED: { http: 412, exit: 78, retryable: false, hint: 'Use MySQL 8.0.22 or later, or MariaDB 10.5 or later.' },
  GTID_REQUIRED: { http: 412, exit: 78, retryable: false, hint: 'Set gtid_mode=ON and enforce_gtid_consistency=ON (MySQL), or gtid_strict_mode=ON and log_slave_updates=ON (MariaDB).' },
  NOT_READ_ONLY_AT_BOOT: { http: 412, exit: 78, retryable: false, hint: 'Put super_read_only=ON (MariaDB: read_only=ON) into my.cnf, and remove what contradicts it from mysqld-auto.cnf.' },
  SERVER_ID_CLASH: { http: 412, exit: 78, retryable: false, hint: 'Two servers of the shard have one server_id; set server-id to a number of its own on this tablet.' },
  QUERY_FAILED: { http: 503, exit: 69, retryable: true, hint: 'mysqld refused the statement; the message is its own.' },
  QUERY_TIMEOUT: { http: 504, exit: 75, retryable: true, hint: 'mysqld did not answer the statement in time, and it was cancelled there.' },
  BOOTSTRAP_FAILED: { http: 500, exit: 73, retryable: true, hint: 'The empty data directory could not be initialised; see the output of the server program.' },
  PRIVATE_BOOT_FAILED: { http: 503, exit: 69, retryable: true, hint: 'mysqld did not come up on the copied data; the end of its error log is part of the message.' },
  MYSQLD_CLASH: { http: 500, exit: 69, retryable: true, hint: 'A mysqld that this daemon did not start uses the data directory; stop it or let tabletd adopt it through its socket.' },
  SEMI_SYNC_UNAVAILABLE: { http: 412, exit: 78, retryable: true, hint: 'Load the semi-sync plugins in my.cnf (plugin-load-add=semisync_source.so and semisync_replica.so), or leave semi-sync unset.' },

  // data directory
  DATADIR_UNREADABLE: { http: 412, exit: 65, retryable: false, hint: 'The data directory holds files that this server cannot use, and tabletd did not make them; move them away, or restore with force and confirm.' },
  DATA_PRESENT: { http: 412, exit: 65, retryable: false, hint: 'Data that tabletd did not make is never overwritten without force and confirm.' },
  NO_SPACE: { http: 507, exit: 74, retryable: true, hint: 'Free space on the file system named.' },
  TABLESPACE_OUTSIDE: { http: 412, exit: 65, retryable: false, hint: 'The builtin engine copies only what lies in the data directory; move the tablespace named, or use another engine.' },
  ENCRYPTION_UNSUPPORTED: { http: 412, exit: 65, retryable: false, hint: 'Encrypted tables need a plan for their keyring, which this version does not have.' },
  LOCAL_IO_FAILED: { http: 500, exit: 74, retryable: true, hint: 'The file system of this machine failed at the path named; see the kernel log if it persists.' },
  FILE_CHANGED: { http: 500, exit: 75, retryable: true, hint: 'Something wrote to the data directory while it was copied; nothing but mysqld should use it. Take the backup again.' },
  ENGINE_NOT_COPIED: { http: 412, exit: 65, retryable: false, hint: 'The builtin engine does not know where this storage engine keeps its tables; use another backup engine, or convert the tables.' },

  // storage
  STORAGE_UNREACHABLE: { http: 503, exit: 69, retryable: true, hint: 'The backup storage does not answer; the same call is tried again.' },
  STORAGE_DENIED: { http: 503, exit: 77, retryable: false, hint: 'The backup storage refuses access; correct its credentials or permissions.' },
  STORAGE_NO_SPACE: { http: 507, exit: 74, retryable: false, hint: 'The backup storage is full; remove old backups or enlarge it.' },
  STORAGE_FAILED: { http: 503, exit: 74, retryable: true, hint: 'The backup storage failed at this step; the message is its own.' },
  STORAGE_NOT_CONFIGURED: { http: 412, exit: 78, retryable: false, hint: 'Set backup-storage-implementation and what it needs (for file: file-backup-storage-root).' },
  BACKUP_EXISTS: { http: 409, exit: 73, retryable: false, hint: 'A backup name is used once; ask again in the next second.' },
  BACKUP_NOT_FOUND: { http: 404, exit: 65, retryable: false, hint: 'List the backups of the shard; this one is not among them.' },
  NO_BACKUP: { http: 404, exit: 65, retryable: true, hint: 'The shard has no backup yet; take one, or set wait-for-backup-interval to wait for it.' },
  NO_COMPLETE_BACKUP: { http: 500, exit: 65, retryable: true, hint: 'Backups exist but none can be used here, so data ought to exist: repair or remove them before a tablet may start empty.' },
  BACKUP_NOT_PROVEN: { http: 503, exit: 74, retryable: true, hint: 'Storage does not hold what was written, so the backup was not completed.' },
  PATH_ESCAPES: { http: 400, exit: 65, retryable: false, hint: 'Names and paths must stay inside their directory.' },

  // backup contents
  MANIFEST_INVALID: { http: 500, exit: 65, retryable: false, hint: 'The MANIFEST cannot be trusted; the backup is skipped. Restore an older one, or remove it.' },
  BACKUP_CORRUPT: { http: 500, exit: 65, retryable: false, hint: 'An object of this backup is missing, cut short or changed; the next older backup is used.' },
  CHECKSUM_MISMATCH: { http: 500, exit: 65, retryable: true, hint: 'The bytes read differ from those recorded in the MANIFEST.' },
  BACKUP_UNSUPPORTED: { http: 412, exit: 65, retryable: false, hint: 'This backup was made in a way this version cannot restore; see docs/backup-format.md.' },
  BACKUP_INCOMPATIBLE: { http: 412, exit: 65, retryable: false, hint: 'This server cannot use data of the version that made the backup; restore with a server of that version, or a backup marked upgrade-safe.' },
  COMPRESSION_UNSUPPORTED: { http: 412, exit: 65, retryable: false, hint: 'The backup needs a way of compression that this version does not have; docs/settings.md names those it has.' },
  EXTERNAL_COMMAND_FAILED: { http: 500, exit: 69, retryable: true, hint: 'The command of external-compressor or external-decompressor is not set, missing, failed, or writes what compression-engine-name does not mean; its own words are in the message.' },
  COMPRESSION_FAILED: { http: 500, exit: 70, retryable: true, hint: 'A thread that compresses or decompresses ended before its time, mostly for want of memory; the operation can be repeated.' },

  // topology
  TOPOLOGY_UNREACHABLE: { http: 503, exit: 69, retryable: true, hint: 'The topology store does not answer; the tablet keeps its last known state.' },
  TOPOLOGY_CONFLICT: { http: 409, exit: 75, retryable: true, hint: 'Somebody else changed the record at the same time; read it and decide again.' },
  TOPOLOGY_CORRUPT: { http: 503, exit: 65, retryable: false, hint: 'A record in the topology store cannot be read; restore it from a backup or write it anew.' },
  TOPOLOGY_NOT_LOCAL: { http: 500, exit: 78, retryable: false, hint: 'The file topology serves one machine; use etcd, zookeeper or consul for several.' },
  SHARD_LOCKED: { http: 423, exit: 75, retryable: true, hint: 'Another command holds the lock of this shard; wait for it to end.' },
  SHARD_LOCK_LOST: { http: 500, exit: 75, retryable: true, hint: 'The shard lock was lost while the command ran; look at the shard before repeating it.' },
  TABLET_NOT_FOUND: { http: 404, exit: 65, retryable: false, hint: 'The topology has no tablet of that alias; `tabletctl list-tablets` shows them.' },
  NO_SHARD_PRIMARY: { http: 412, exit: 65, retryable: true, hint: 'The shard has no primary yet; name one with `tabletctl init-shard-primary`.' },

  // replication and reparenting
  ERRANT_TRANSACTIONS: { http: 412, exit: 65, retryable: false, hint: 'This tablet holds transactions its primary never had; save them, then restore it from a backup.' },
  NEEDS_BACKUP: { http: 412, exit: 65, retryable: true, hint: 'The primary no longer has its whole history in binary logs, so an empty tablet must start from a backup; take one.' },
  SOURCE_UNVERIFIED: { http: 503, exit: 69, retryable: true, hint: 'The recorded primary could not be confirmed as writable and holding our transactions, so nothing is attached to it.' },
  REPLICATION_BROKEN: { http: 503, exit: 65, retryable: false, hint: 'Replication stopped with an error of its own; it is never skipped. Mend the row or restore the tablet.' },
  SHARD_HAS_PRIMARY: { http: 412, exit: 65, retryable: false, hint: 'The shard has a primary; use planned-reparent-shard, or --force when it is lost.' },
  OTHER_TABLET_AHEAD: { http: 412, exit: 65, retryable: false, hint: 'Another tablet holds transactions that the chosen one lacks; name that one.' },
  OTHER_TABLET_WRITABLE: { http: 412, exit: 65, retryable: false, hint: 'Another tablet is writable; name that one, or make it read-only first.' },
  TABLETS_UNREACHABLE: { http: 503, exit: 69, retryable: true, hint: 'Not every tablet of the shard could be asked; start them, or pass --force if they are lost.' },
  CANDIDATE_UNFIT: { http: 412, exit: 65, retryable: false, hint: 'The tablet named cannot become primary now; its own page says why.' },
  REPARENT_FAILED: { http: 503, exit: 75, retryable: true, hint: 'The candidate did not take over in time and the former primary was named again; see both tablets.' },
  WAIT_TIMEOUT: { http: 504, exit: 75, retryable: true, hint: 'The record is written, but not every tablet followed in time; `tabletctl list-tablets` shows where they stand.' },
} as const satisfies Readonly<Record<string, ErrorRow>>

export type ErrorCode = keyof typeof ERRORS
