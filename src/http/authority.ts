/**
 * Who may change something. Pure, apart from reading the token.
 *
 * Safe verbs are open to everyone. Unsafe verbs come over the admin socket (its file mode is the authority) or carry
 * the bearer token. Being on loopback is no authority: proxies, pods and browsers are there too.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { hostname } from 'node:os'
import { isIP } from 'node:net'
import { TabletError } from '../base/errors.ts'

export interface Caller {
  readonly transport: 'tcp' | 'admin-socket'
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly authorization: string | undefined
  /** Whether a client certificate that tls-client-ca vouches for was shown; undefined where none is asked for. */
  readonly certified?: boolean | undefined
}

export interface Authority {
  /** Names by which this daemon may be called, beside every IP address and localhost. */
  readonly hostnames: readonly string[]
  /** The content of api-token-file; undefined when none is set. */
  readonly token: string | undefined
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
export const isSafe = (method: string): boolean => SAFE.has(method)

/** Why `caller` may not do what it asks, as FORBIDDEN or UNAUTHORIZED; undefined when it may. */
export function objectionTo(caller: Caller, authority: Authority): TabletError | undefined {
  if (isSafe(caller.method)) return undefined
  // a browser sends Origin with every unsafe request; nothing else has a reason to
  if (caller.origin !== undefined && caller.origin !== `${caller.scheme}://${caller.host ?? ''}`) {
    return new TabletError('FORBIDDEN', `cannot take a ${caller.method} from the origin ${quoted(caller.origin)}`)
  }
  if (caller.transport === 'admin-socket') return undefined
  // a name of an attacker's own that resolves to us (DNS rebinding) has a matching Origin, but never one of our names
  if (!isOwnHost(caller.host, authority.hostnames)) {
    return new TabletError('FORBIDDEN', `cannot take a ${caller.method} for the host ${quoted(caller.host ?? '')}: it is no name of this tablet`)
  }
  if (caller.certified === false) return new TabletError('UNAUTHORIZED', 'cannot accept the request without a client certificate')
  if (authority.token === undefined) {
    return new TabletError('FORBIDDEN', `cannot take a ${caller.method} over TCP: no api-token-file is set, so only the admin socket has authority`)
  }
  const [, sent] = /^Bearer +(\S+) *$/i.exec(caller.authorization ?? '') ?? []
  if (sent === undefined) return new TabletError('UNAUTHORIZED', `cannot take a ${caller.method} without the bearer token`)
  return sameSecret(sent, authority.token) ? undefined : new TabletError('UNAUTHORIZED', 'cannot accept the bearer token: it is not the one of api-token-file')
}

/** Compares digests, so that neither the length nor the first differing byte shows in the time taken. */
function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}

function isOwnHost(host: string | undefined, hostnames: readonly string[]): boolean {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host ?? '') ?? []
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(bare) !== 0) return true   // an address cannot be rebound
  return ['localhost', hostname(), ...hostnames].some((own) => own.toLowerCase() === bare && bare !== '')
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 100))
