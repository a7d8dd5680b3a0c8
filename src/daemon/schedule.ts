/** Backups by `backup-schedule`, a cron expression in UTC. */
import { Cron } from 'croner'
import type { ActionContext } from '../base/action.ts'
import { asTabletError } from '../base/errors.ts'
import type { TabletControl } from '../http/control.ts'

/** A backup that cannot begin when it is due is logged with its code; the next one is tried at its own time. */
export function scheduleBackups(schedule: string | undefined, tablet: Pick<TabletControl, 'beginBackup'>, ctx: ActionContext): Disposable {
  if (schedule === undefined) return { [Symbol.dispose]: () => undefined }
  const job = new Cron(schedule, { timezone: 'UTC', protect: true, unref: true }, async () => {
    try {
      const operation = await tablet.beginBackup({}, ctx)
      ctx.log.info({ operation: operation.id }, 'the scheduled backup began')
    } catch (error) {
      const { code, hint, message } = asTabletError(error)
      ctx.log.error({ code, hint }, `the scheduled backup did not begin: ${message}`)
    }
  })
  return { [Symbol.dispose]: () => { job.stop() } }
}
