/** The paths that load balancers and orchestrators ask, and the sentence that documents each (docs/http.md, /openapi.json). */

export const PROBES = {
  '/livez': 'the event loop and the control loop turn; depends on nothing else',
  '/readyz': 'PRIMARY with a mysqld that answers and is writable, or healthy in its target type',
  '/healthz': 'the same as /readyz (Vitess\'s name)',
  '/debug/health': 'mysqld answers and replication is configured, or PRIMARY (Vitess\'s weaker check)',
  '/primary': 'PRIMARY, mysqld answers and is writable',
  '/read-write': 'the same as /primary',
  '/replica': 'REPLICA and healthy',
  '/rdonly': 'RDONLY and healthy',
  '/read-only': 'what /primary or /replica accepts',
  '/spare': 'of type SPARE',
  '/backup': 'of type BACKUP',
  '/restore': 'of type RESTORE',
  '/drained': 'of type DRAINED',
} as const satisfies Readonly<Record<string, string>>
export type ProbePath = keyof typeof PROBES

export const isProbePath = (path: string): path is ProbePath => Object.hasOwn(PROBES, path)

const ONE_CHECK = '/readyz/'

/** What a request target asks: a probe with its query, `malformed`, or something for the API. */
export type ProbeTarget =
  | { readonly kind: 'probe', readonly path: ProbePath, readonly query: string, readonly check?: string }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'other' }

/**
 * Reads the target of a GET, HEAD or OPTIONS request (RFC 9112 section 3.2, all four forms). Matching is exact after
 * percent-decoding: `/xxreplicaxx` is no probe.
 */
export function probeTarget(method: string, target: string): ProbeTarget {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return { kind: 'other' }
  const [, rest = ''] = /^(?:https?:\/\/[^/?#]*)?(.*)$/is.exec(target) ?? []
  const [beforeHash = ''] = rest.split('#', 1)
  const mark = beforeHash.indexOf('?')
  const path = decoded(mark === -1 ? beforeHash : beforeHash.slice(0, mark))
  if (path === undefined) return { kind: 'malformed' }
  const query = mark === -1 ? '' : beforeHash.slice(mark + 1)
  if (isProbePath(path)) return { kind: 'probe', path, query }
  // whatever stands below /readyz/ is answered as a probe: 503 for a check that does not exist, never 404
  if (path.startsWith(ONE_CHECK)) return { kind: 'probe', path: '/readyz', query, check: path.slice(ONE_CHECK.length) }
  // HAProxy's `option httpchk` without arguments sends `OPTIONS / HTTP/1.0`
  if (method === 'OPTIONS' && (path === '/' || path === '' || path === '*')) return { kind: 'probe', path: '/readyz', query }
  return { kind: 'other' }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined   // `/%zz`: an answer of 503, since a load balancer may have meant a probe
  }
}
