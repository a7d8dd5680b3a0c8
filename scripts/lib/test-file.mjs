/**
 * Runs one test file as a process group of its own and reads its result.
 *
 * Promises  when this process is told to end, the files that run end first, with what they started.
 *           a file that hangs is ended with everything it started; a file without a test, one that exits non-zero
 *           without a failed test, and one that leaves processes, mounts or directories behind, each count as a failure.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clearUp, endGroup } from './clear-up.mjs'
import { readTap } from './tap-lines.mjs'

const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const pid of running) { endGroup(pid); clearUp(pid) }
    process.exit(130)
  })
}

/** @returns {Promise<{ file: string, seconds: number, tests: import('./tap-lines.mjs').CountedTest[] }>} */
export async function runTestFile(file, { root, node, seconds: limit }) {
  const started = Date.now()
  const compiled = join(root, '.cache/compiled')   // daemons and commands start thousands of times: two thirds of their start is saved
  const env = { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: `${join(node, '..')}:${join(root, 'node_modules/.bin')}:${process.env.PATH}`, TAP_TIMEOUT: String(limit), NODE_NO_WARNINGS: '1' }
  const child = spawn(node, [file], { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child.pid)
  const ended = await outcome(child, limit)
  running.delete(child.pid)
  const left = clearUp(child.pid)
  const record = join(root, '.cache', 'tap', `${file.replaceAll('/', '-')}.tap`)
  mkdirSync(join(record, '..'), { recursive: true })
  writeFileSync(record, `${ended.out}\n--- standard error ---\n${ended.err}`)
  const tests = readTap(ended.out).tests
  return { file, seconds: (Date.now() - started) / 1000, tests: [...tests, ...objections(file, { ...ended, tests, left, limit })] }
}

function objections(file, { tests, code, err, left, late, limit }) {
  const failed = (title, text = '') => ({ title: `${file}: ${title}`, result: 'failed', reason: '', text })
  if (late) return [failed(`did not end within ${limit} s`, err.slice(-3000))]
  const counted = tests.filter((test) => test.title !== '')
  return [
    ...(counted.length === 0 ? [failed('holds no test', err.slice(-3000))] : []),
    ...(code !== 0 && counted.length > 0 && tests.every((test) => test.result !== 'failed') ? [failed(`ended with ${code}`, err.slice(-3000))] : []),
    ...(left.length === 0 ? [] : [failed('left behind', left.join('\n'))]),
  ]
}

function outcome(child, limit) {
  return new Promise((resolve) => {
    let [out, err, late] = ['', '', false]
    child.stdout.on('data', (bytes) => { out += bytes })
    child.stderr.on('data', (bytes) => { err += bytes })
    // the file's own time-out comes first and says where it hung
    const timer = setTimeout(() => { late = true; endGroup(child.pid) }, (limit + 15) * 1000)
    child.once('error', (error) => { clearTimeout(timer); resolve({ out, err: String(error), code: 1, late }) })
    // not 'close': a process left behind may hold the pipes open for ever
    child.once('exit', (code, signal) => setTimeout(() => {
      clearTimeout(timer)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ out, err, code: code ?? signal, late })
    }, 20))
  })
}
