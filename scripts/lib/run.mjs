// Running other programs while installing: quiet when they succeed, everything they said when they fail.
import { spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync } from 'node:fs'
import { dirname } from 'node:path'

/** A reason to stop that needs no stack trace. */
export class Refusal extends Error {}

export const say = (line) => { process.stderr.write(`${line}\n`) }

/** In CI whatever could be installed and is missing is a failure, never a skipped test. */
export const inCi = () => process.env.CI === 'true' || process.env.CI === '1'

/** Standard output of a program; rejects with both outputs when it fails. */
export function output(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const out = []
    const all = []
    child.stdout.on('data', (bytes) => { out.push(bytes); all.push(bytes) })
    child.stderr.on('data', (bytes) => { all.push(bytes) })
    child.once('error', (error) => { reject(new Refusal(`cannot run ${program}: ${error.message}`)) })
    child.once('close', (code, signal) => {
      if (code === 0) { resolve(Buffer.concat(out).toString()); return }
      reject(new Refusal(`${program} ${args.join(' ')} ended with ${signal ?? code}:\n${Buffer.concat(all).toString().slice(-4000)}`))
    })
  })
}

/** Does `work` while no other process does work under the same lock file; the kernel frees the lock however we end. */
export async function locked(path, work) {
  mkdirSync(dirname(path), { recursive: true })
  const fd = openSync(path, 'a')
  try {
    // not spawnSync: other installs go on while this one waits
    await output('flock', ['-x', '3'], { stdio: ['ignore', 'pipe', 'pipe', fd] })
    return await work()
  } finally {
    closeSync(fd)
  }
}
