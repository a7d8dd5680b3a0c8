/** Settings: restoring a backup at start. */
import { boolean, duration, integer, list, text } from '../setting.ts'

/** `YYYY-MM-DD.HHMMSS`, and a moment that exists. */
function isBackupTimestamp(value: string): boolean {
  const [, date, hour, minute, second] = /^(\d{4}-\d{2}-\d{2})\.(\d{2})(\d{2})(\d{2})$/.exec(value) ?? []
  const iso = `${date}T${hour}:${minute}:${second}.000Z`
  const moment = new Date(iso)
  return date !== undefined && !Number.isNaN(moment.getTime()) && moment.toISOString() === iso
}

export const RESTORE_SETTINGS = {
  'restore-from-backup': boolean({
    default: false, vitess: true,
    doc: 'Whether a tablet without data restores the newest backup of its shard at start. With no backup at all it starts empty, '
      + 'unless `wait-for-backup-interval` says to wait.',
  }),
  'restore-from-backup-ts': text({
    default: undefined, vitess: true, what: 'a time such as 2021-04-29.133050 (UTC)', matches: isBackupTimestamp,
    doc: 'Restores the newest backup taken at or before this time (UTC), as `2021-04-29.133050`; the tablet then replicates as ever.',
  }),
  'restore-from-backup-allowed-engines': list({
    default: [], vitess: true, doc: 'Restores only backups made by these engines. None named: any engine.',
  }),
  'restore-concurrency': integer({
    default: 4, vitess: true, min: 1, max: 256,
    doc: 'How many files a restore fetches at once. As many again may be open while they are brought to the disk.', reason: 'Vitess\'s.',
  }),
  'wait-for-backup-interval': duration({
    default: 0, vitess: true,
    doc: 'How often to look for a backup while the shard has none that can be restored. 0: do not wait; start empty when the shard has no backup.',
    reason: 'Vitess\'s.',
  }),
} as const
