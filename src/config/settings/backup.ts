/** Settings: taking backups. */
import { derived, duration, integer, text } from '../setting.ts'

export const BACKUP_SETTINGS = {
  'backup-engine-implementation': text({
    default: 'builtin', vitess: true, what: 'the name of an engine', matches: /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
    doc: 'Engine of new backups, unless the request names one: builtin. Under another name backups are refused, and nothing else is: '
      + 'a restore uses the engine that made the backup.',
  }),
  'backup-schedule': text({
    default: undefined, what: 'a cron expression of five or six fields, as "0 3 * * *"', matches: /^\S+(?: +\S+){4,5}$/,
    doc: 'When this tablet takes backups by itself: a cron expression in UTC. Unset: only when asked.',
  }),
  'concurrency': integer({
    default: 4, vitess: true, min: 1, max: 256,
    doc: 'How many files a backup copies at once, unless the request says otherwise.',
    reason: 'Vitess\'s. Four readers keep one fast disk busy; more mostly adds seeks on slow ones.',
  }),
  'compression-threads': integer({
    default: derived('as many as the machine has cores'), min: 1, max: 256,
    doc: 'How many blocks a backup or restore compresses or decompresses at once, over all its files. Each costs up to 30 MB of memory.',
  }),
  'builtinbackup-mysqld-timeout': duration({
    default: 600_000, vitess: true, min: 1000,
    doc: 'How long the builtin engine\'s stop of mysqld is waited for at the start of a backup.', reason: 'Vitess\'s.',
  }),
  'builtinbackup-progress': duration({
    default: 5000, vitess: true, min: 100,
    doc: 'At most how often the progress of a backup or restore is logged.', reason: 'Vitess\'s.',
  }),
} as const
