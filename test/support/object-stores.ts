/**
 * Real object stores for tests: OpenStack Swift's S3 interface, Azurite, fake-gcs-server.
 *
 * One that is not installed fails in CI and skips, saying so, anywhere else.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { azuriteProgram, findSwift, gcsProgram, inPrefix, pythonEnv } from '../../scripts/lib/layout.mjs'
import { freePort } from './free-port.ts'
import { tempDir } from './temp-dir.ts'

const ROOT = join(import.meta.dirname, '../..')
const UP_MS = 60_000

export interface ObjectServer extends AsyncDisposable {
  readonly endpoint: string
}

export const S3_ACCESS = { accessKeyId: 'test:tester', secretAccessKey: 'testing' }

/** The account of Azurite; its key belongs to this test run. */
export const AZURE_ACCOUNT = 'tablets'

const INSTALLED = {
  swift: () => findSwift() !== undefined,
  azurite: () => existsSync(azuriteProgram()),
  'fake-gcs-server': () => existsSync(gcsProgram()),
}

/** True when tests of `store` can run; otherwise says why not, as a failure in CI. */
export function haveStore(t: Test, store: keyof typeof INSTALLED): boolean {
  if (INSTALLED[store]()) return true
  const inCi = process.env['CI'] === 'true' || process.env['CI'] === '1'
  if (inCi) t.fail(`${store} is not installed`)
  else t.test(`needs ${store}`, { skip: `${store} is not installed: run scripts/lib/install.mjs` }, () => undefined)
  return false
}

/** `encrypts`: on its disk, and requests may ask for it; without, a request that does is refused. */
export async function startSwift({ encrypts = false } = {}): Promise<ObjectServer & { readonly directory: string }> {
  const prefix = findSwift()
  if (prefix === undefined) throw new Error('OpenStack Swift is not installed: run scripts/lib/install.mjs')
  const dir = await tempDir()
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()]
  const [program = '', ...own] = inPrefix(prefix, 'usr/bin/python3')
  const env = { PATH: process.env['PATH'], ...pythonEnv(prefix), PYTHONDONTWRITEBYTECODE: '1' }
  const args = [...own, join(ROOT, 'test/object-stores/swift-s3.py'), dir.path, ...ports.map(String), ...encrypts ? ['encrypt'] : []]
  const server = await serverFrom(spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }), /^up$/m, `http://127.0.0.1:${ports[0]}`, dir)
  return { ...server, directory: dir.path }
}

/** `key` is base64, as Azure gives it. */
export async function startAzurite(key: string): Promise<ObjectServer> {
  const dir = await tempDir()
  const port = await freePort()
  mkdirSync(join(dir.path, 'blobs'))
  const args = [
    azuriteProgram(), '--location', join(dir.path, 'blobs'), '--blobHost', '127.0.0.1', '--blobPort', String(port),
    '--disableTelemetry', '--skipApiVersionCheck',
  ]
  const env = { PATH: process.env['PATH'], AZURITE_ACCOUNTS: `${AZURE_ACCOUNT}:${key}` }
  const child = spawn(process.execPath, args, { env, cwd: dir.path, stdio: ['ignore', 'pipe', 'pipe'] })
  return await serverFrom(child, /successfully listen/, `http://127.0.0.1:${port}/${AZURE_ACCOUNT}`, dir)
}

/** Objects lie in files of a directory of its own; their memory is not the server's. */
export async function startGcs(): Promise<ObjectServer> {
  const dir = await tempDir()
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const args = ['-backend', 'filesystem', '-filesystem-root', join(dir.path, 'buckets'), '-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', host]
  const child = spawn(gcsProgram(), args, { env: { TMPDIR: dir.path }, cwd: dir.path, stdio: ['ignore', 'pipe', 'pipe'] })
  return await serverFrom(child, /server started/, `http://${host}`, dir)
}

export async function makeGcsBucket({ endpoint }: ObjectServer, name: string): Promise<void> {
  const { ok } = await fetch(`${endpoint}/storage/v1/b?project=tablets`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }),
  })
  if (!ok) throw new Error(`no bucket ${name}`)
}

async function serverFrom(child: ChildProcess, up: RegExp, endpoint: string, dir: AsyncDisposable): Promise<ObjectServer> {
  let said = ''
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const gone = new Promise<void>((resolve) => { child.once('exit', () => { resolve() }) })
      child.kill('SIGKILL')
      await gone
    }
    await dir[Symbol.asyncDispose]()
  }
  const listens = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`no store after ${UP_MS / 1000} s: ${said}`)) }, UP_MS)
    const hear = (bytes: Buffer): void => {
      said = (said + bytes.toString()).slice(-4000)
      if (!up.test(said)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('error', (error) => { clearTimeout(timer); reject(error) })
    child.once('exit', (code) => { clearTimeout(timer); reject(new Error(`the store ended with ${code}: ${said}`)) })
  })
  try {
    await listens
  } catch (error) {
    await end()
    throw error
  }
  return { endpoint, [Symbol.asyncDispose]: end }
}
