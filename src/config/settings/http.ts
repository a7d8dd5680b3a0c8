/** Settings: probes and the API. */
import { integer, path, secretFile, text } from '../setting.ts'

export const HTTP_SETTINGS = {
  'port': integer({
    default: 15100, vitess: true, min: 1, max: 65_535,
    doc: 'TCP port of probes, API and metrics.', reason: 'Where Vitess\'s examples put their first tablet.',
  }),
  'bind-address': text({
    default: '0.0.0.0', vitess: true, what: 'an address or a host name', matches: /^[A-Za-z0-9._:%-]+$/,
    doc: 'Address to listen on.',
    reason: 'Load balancers ask from other machines. What changes something needs a token or the admin socket.',
  }),
  'agent-check-port': integer({
    default: 0, min: 0, max: 65_535,
    doc: 'TCP port on which HAProxy\'s agent-check is answered: one line with state and weight. 0: none.',
    reason: 'Only who has HAProxy needs one more open port.',
  }),
  'api-token-file': secretFile({
    default: undefined,
    doc: 'File that holds the bearer token of requests that change something. Unset: such requests are taken over the admin socket only.',
  }),
  'tls-cert': path({ default: undefined, doc: 'Certificate chain (PEM) of the HTTP server; with `tls-key`.' }),
  'tls-key': path({ default: undefined, doc: 'Private key (PEM) of `tls-cert`.' }),
  'tls-client-ca': path({
    default: undefined, doc: 'Certificates (PEM) of the authorities whose client certificates are asked for; with `tls-cert`.',
  }),
} as const
