/**
 * What a test file left behind on the machine is ended, unmounted and removed, and named.
 *
 * Promises  nothing but what bears the file's pid in its name is touched; what cannot be removed is named, never thrown.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Ends what the file left running, unmounts what it left mounted, removes its directories.
 *
 * @param {number} pid of the test file's process: its directories are `td-<pid>-…` (test/support/temp-dir.ts)
 * @returns {string[]} one line for each thing that was left
 */
export function clearUp(pid) {
  const prefix = join(tmpdir(), `td-${pid}-`)
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).includes(prefix))
  const said = processes.map((name) => `process ${name}: ${commandOf(name)}`)
  for (const name of processes) {
    const group = groupOf(name)
    // a group of the test's own making; somebody's shell that merely looks at the directory keeps its group
    if (commandOf(group).includes(prefix)) endGroup(group)
    else end(Number(name))
  }
  endGroup(pid)
  const mounts = mountsBelow(prefix)
  const directories = readdirSync(tmpdir()).map((name) => join(tmpdir(), name)).filter((path) => path.startsWith(prefix))
  return [...said, ...mounts.map(unmount), ...directories.map(remove)]
}

/** Kills every process of the group that `pid` leads. */
export function endGroup(pid) {
  if (pid > 1) end(-pid)
}

function end(pid) {
  try { process.kill(pid, 'SIGKILL') } catch { /* gone */ }
}

/** Mount points whose path begins so, by proc_pid_mountinfo(5); the last mounted, which may lie upon others, first. */
function mountsBelow(prefix) {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '')
  return points.map((point) => point.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))))
    .filter((point) => point.startsWith(prefix)).reverse()
}

/** A killed server holds its files until its last thread is gone: then `umount -l`. */
function unmount(point) {
  const free = [[], ['-l']].some((options) => spawnSync('umount', [...options, '--', point], { stdio: 'ignore' }).status === 0)
  return `mount ${point}${free ? '' : ' (it cannot be unmounted)'}`
}

function remove(path) {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    return `directory ${path}`
  } catch (error) {
    return `directory ${path} (it cannot be removed: ${error.message})`
  }
}

function commandOf(pid) {
  try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') } catch { return '' }
}

/** Process group of proc(5): with a shell go the programs it started. */
function groupOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
  } catch { return 0 }
}
