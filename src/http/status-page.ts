/** The page at `/`: one tablet for a person's eyes. No script, nothing from elsewhere, every value escaped. */
import { createHash } from 'node:crypto'
import type { Operation } from '../model/operation.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import { PROBES } from './probe-paths.ts'

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 1.5rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; overflow-wrap: anywhere }
.ok { color: #176b2c } .bad { color: #a11818 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616 } .ok { color: #6fcf87 } .bad { color: #ff8a80 } a { color: #8ab4f8 } }
`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

export const STATUS_PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export function statusPage(seen: TabletSnapshot | undefined, operations: readonly Operation[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><meta name="viewport" content="width=device-width">
<title>${escaped(seen?.alias ?? 'tabletd')}</title><style>${STYLE}</style></head>
<body>${seen === undefined ? '<h1>tabletd</h1><p>The daemon has started and has not finished looking at its tablet.</p>' : tablet(seen)}
${operations.length === 0 ? '' : `<h2>Operations</h2>${table(operations.slice(-10).reverse().map(operationRow))}`}
<h2>Probes</h2><p>${Object.keys(PROBES).map((path) => `<a href="${path}">${path}</a>`).join(' ')}</p>
<p><a href="/v1/tablet">/v1/tablet</a> <a href="/v1/backups">/v1/backups</a> <a href="/metrics">/metrics</a> <a href="/openapi.json">/openapi.json</a></p>
</body></html>
`
}

function tablet(seen: TabletSnapshot): string {
  const { replication } = seen
  const record = seen.shardRecord.record ?? seen.shardRecord.cached
  return `<h1>${escaped(seen.alias)} <span class="${seen.blockers.length === 0 ? 'ok' : 'bad'}">${escaped(seen.type)}</span></h1>
<p>${escaped(seen.sentence)}</p>
${table([
    ['shard', `${seen.keyspace}/${seen.shard}`],
    ['primary', record === undefined ? 'none recorded' : `${record.primary}, term ${record.term}`],
    ['target type', seen.targetType],
    ['mysqld', [seen.mysqld.version ?? '', seen.mysqld.answers ? 'answers' : 'does not answer', seen.mysqld.writable === true ? 'writable' : 'read-only'].join(' ')],
    ['replication', replication === undefined ? 'none' : `${replication.source}, IO ${replication.io}, SQL ${replication.sql} ${replication.error ?? ''}`],
    ['lag', seen.lagSeconds === undefined ? 'unknown' : `${seen.lagSeconds} s`],
    ['position', seen.position ?? 'unknown'],
    ['seen', new Date(seen.observedAtMs).toISOString()],
  ])}
${seen.blockers.length === 0 ? '' : `<h2>Why it does not serve</h2>${table(seen.blockers.map((one) => [one.name, [one.message, one.code ?? '', one.nextTry === undefined ? '' : `next try ${one.nextTry}`].join(' ')]))}`}`
}

const operationRow = (one: Operation): readonly [string, string] =>
  [`${one.kind} ${one.id}`, [one.state, one.progress.step, one.backup ?? '', one.error === undefined ? '' : `${one.error.code}: ${one.error.message}`].join(' ')]

const table = (rows: readonly (readonly [string, string])[]): string =>
  `<table>${rows.map(([name, value]) => `<tr><th>${escaped(name)}</th><td>${escaped(value)}</td></tr>`).join('')}</table>`

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
