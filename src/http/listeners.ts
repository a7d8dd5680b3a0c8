/**
 * The two places where this daemon listens: a TCP port for everyone, and the admin socket for its own user.
 *
 * Owns  limits on slow and on many clients, the socket file and its mode, the errors of listening by code.
 */
import { chmod, lstat, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { connect, type AddressInfo, type ListenOptions, type Server as NetServer, type Socket } from 'node:net'
import { readFile } from 'node:fs/promises'
import type { ActionContext } from '../base/action.ts'
import { TabletError, isErrno, messageOf } from '../base/errors.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  /** When set, unsafe verbs over TCP need a client certificate of this authority beside the token. */
  readonly clientCaFile?: string
}

/** sun_path of unix(7), without its final NUL. */
const MAX_SOCKET_PATH = 107

const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 5_000,              // a whole request head is one packet; longer is a slow-loris
  requestTimeout: 15_000,
  keepAliveTimeout: 20_000,           // above the interval of common health checks, so that they reuse connections
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  requireHostHeader: false,           // HAProxy's checks send none
  noDelay: true,
}
const MAX_CONNECTIONS = 1_000         // far above any number of load balancers, far below the usual limit of descriptors
const MAX_SOCKET_CONNECTIONS = 100
const MAX_WAITING = 500               // connections without a whole request; leaves as many again for those that ask

/** @throws TabletError PORT_IN_USE; SETTINGS_INVALID for an address or certificate that cannot be used. */
export async function listenTcp(
  where: { readonly port: number, readonly bindAddress: string, readonly tls?: TlsFiles }, listener: RequestListener, ctx: ActionContext,
): Promise<{ readonly server: Server, readonly port: number }> {
  const server = where.tls === undefined ? createServer(SERVER_OPTIONS, listener) : await tlsServer(where.tls, listener)
  server.maxConnections = MAX_CONNECTIONS
  shedWaiting(server, MAX_WAITING)
  try {
    await listen(server, { port: where.port, host: where.bindAddress }, ctx)
  } catch (error) {
    const doing = `cannot listen on ${where.bindAddress}:${where.port}: ${messageOf(error)}`
    throw new TabletError(isErrno(error, 'EADDRINUSE') ? 'PORT_IN_USE' : 'SETTINGS_INVALID', doing, { cause: error })
  }
  return { server, port: (server.address() as AddressInfo).port }
}

/**
 * Listens on the unix socket `path`, mode 0600. A socket file that nobody answers on is what a killed daemon left: replaced.
 *
 * @throws TabletError LOCK_HELD when somebody answers there; DIRECTORY_UNUSABLE when it cannot be made.
 */
export async function listenSocket(path: string, listener: RequestListener, ctx: ActionContext): Promise<Server> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw new TabletError('SETTINGS_INVALID', `cannot listen on ${path}: a socket path has at most ${MAX_SOCKET_PATH} bytes, this one ${Buffer.byteLength(path)}; choose a shorter tablet-dir`)
  }
  await removeStale(path)
  const server = createServer(SERVER_OPTIONS, listener)
  server.maxConnections = MAX_SOCKET_CONNECTIONS
  const before = process.umask(0o177)   // bind(2) happens within listen(), so no moment passes in which others could connect
  try {
    const listening = listen(server, { path }, ctx)
    process.umask(before)
    await listening
    await chmod(path, 0o600)
  } catch (error) {
    server.close()
    throw new TabletError('DIRECTORY_UNUSABLE', `cannot listen on ${path}: ${messageOf(error)}`, { cause: error })
  } finally {
    process.umask(before)
  }
  return server
}

/**
 * Ends the connection that has waited longest when more than `most` have sent no whole request: whoever opens many and says
 * nothing, or says it slowly, never keeps a load balancer out.
 */
function shedWaiting(server: Server, most: number): void {
  const waiting = new Set<Socket>()   // in the order in which they began to wait
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    waiting.add(socket)
    socket.once('close', () => { waiting.delete(socket) })
    const [longest] = waiting
    if (waiting.size > most) longest?.destroy()
  })
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    waiting.delete(socket)
    response.once('close', () => { if (!socket.destroyed) waiting.add(socket) })
  })
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw new TabletError('DIRECTORY_UNUSABLE', `cannot look at ${path}: ${messageOf(error)}`, { cause: error })
  })
  if (found === undefined) return
  if (!found.isSocket()) throw new TabletError('DIRECTORY_UNUSABLE', `cannot listen on ${path}: something else than a socket is there`)
  if (await answers(path)) throw new TabletError('LOCK_HELD', `cannot listen on ${path}: another daemon answers there`)
  await rm(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => { resolve(false) })
  })
}

async function tlsServer(files: TlsFiles, listener: RequestListener): Promise<Server> {
  try {
    const client = files.clientCaFile === undefined
      ? {}
      // probes stay open to load balancers without a certificate; whether one was shown is judged with the other authority
      : { ca: await readFile(files.clientCaFile), requestCert: true, rejectUnauthorized: false }
    const options = { ...SERVER_OPTIONS, ...client, cert: await readFile(files.certFile), key: await readFile(files.keyFile), minVersion: 'TLSv1.2' as const,
      handshakeTimeout: SERVER_OPTIONS.headersTimeout }
    return createTlsServer(options, listener)
  } catch (error) {
    throw new TabletError('SETTINGS_INVALID', `cannot use the TLS files: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Resolves once it listens, rejects with the system's error. A later one, as where no descriptor is left for a connection, is
 * logged: without a listener it would end the daemon.
 */
export function listen(server: NetServer, options: ListenOptions, ctx: ActionContext): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      server.on('error', (error) => { ctx.log.error({ err: error }, `cannot take a connection: ${messageOf(error)}`) })
      resolve()
    })
  })
}

const CLOSE_GRACE_MS = 1_000

/** Stops listening, lets answers under way end for a second, then ends what is left. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => { server.close(() => { resolve() }) })
  server.closeIdleConnections()
  const force = setTimeout(() => { server.closeAllConnections() }, CLOSE_GRACE_MS)
  await closed
  clearTimeout(force)
}
