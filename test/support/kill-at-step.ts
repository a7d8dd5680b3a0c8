/** kill -9 of a daemon inside a step of its operation: by its log, which it writes before it goes on. */
import { LogFollower, logTail } from './daemon-log.ts'
import type { TestTablet } from './tablet.ts'

/** The steps of a backup by the builtin engine, in the order in which they are logged. */
export const BACKUP_STEPS = [
  'before stop', 'stopping', 'copying', 'confirming sizes', 'writing MANIFEST', 'reading MANIFEST back', 'starting', 'attaching',
] as const
export type BackupStep = (typeof BACKUP_STEPS)[number]

const DEADLINE_MS = 120_000

/**
 * Kills the daemon as soon as its log says `step`, and resolves to the last step its log says then: a later one where
 * the daemon was faster than we, for some steps are two fsyncs long.
 */
export async function killAtStep(tablet: TestTablet, step: string): Promise<string> {
  const pid = tablet.daemonPid
  if (pid === undefined) throw new Error(`no daemon of ${tablet.alias} runs`)
  const said = new LogFollower(tablet.logPath)
  const deadline = Date.now() + DEADLINE_MS
  const isNear = (seen: string): boolean => stepBefore(step) === undefined || seen === stepBefore(step)
  let near = false
  for (;;) {
    const steps = said.next().flatMap((line) => typeof line['step'] === 'string' ? [line['step']] : [])
    if (steps.includes(step)) {
      process.kill(pid, 'SIGKILL')
      break
    }
    near ||= steps.some(isNear)
    if (Date.now() > deadline) throw new Error(`${tablet.alias} never came to the step ${step}:\n${logTail(tablet.logPath)}`)
    // nothing is awaited once the step before is seen: the step may be over within a millisecond
    if (!near || step === 'copying' || step === 'starting') await new Promise((resolve) => { setTimeout(resolve, 2) })
  }
  await tablet.killDaemon('SIGKILL')
  return lastStep(tablet) ?? 'none'
}

export function lastStep(tablet: TestTablet): string | undefined {
  const last = tablet.log().findLast((line) => typeof line['step'] === 'string')
  return last === undefined ? undefined : String(last['step'])
}

function stepBefore(step: string): string | undefined {
  return BACKUP_STEPS[BACKUP_STEPS.findIndex((each) => each === step) - 1]
}
