/**
 * Settings from a YAML file (`--config`): one flat mapping from names to values or lists.
 *
 * Every scalar is read as the text it is (`init-shard: 0` stays "0", `80-` and dates too), so a value means
 * the same here as in a flag. Tags, anchors, aliases, duplicate keys and nested values are errors.
 */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, visit, type ParsedNode } from 'yaml'
import { noFindings, take, type Findings } from './given.ts'

/** Bytes; the whole table of settings written out is a tenth of it. */
const LARGEST_FILE = 262_144

/** `name` is how problems call the file. Never throws: what is wrong stands in `problems`. */
export function readSettingsFile(name: string, text: string): Findings {
  const findings = noFindings()
  const wrong = (line: number | undefined, what: string, hint?: string): void => {
    findings.problems.push({ where: line === undefined ? name : `${name}:${line}`, what, ...(hint === undefined ? {} : { hint }) })
  }
  if (text.length > LARGEST_FILE) {
    wrong(undefined, `is larger than ${LARGEST_FILE} bytes`)
    return findings
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: true, lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  const lineOf = (node: { readonly range?: readonly number[] | null }): number => lines.linePos(node.range?.[0] ?? 0).line
  for (const error of [...document.errors, ...document.warnings]) wrong(lines.linePos(error.pos[0]).line, sentence(error.message))
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node) || node.anchor !== undefined) wrong(lineOf(node), 'anchors and aliases are not taken')
      else if (node.tag?.startsWith('!') === true) wrong(lineOf(node), 'tags are not taken')
    },
  })
  if (findings.problems.length > 0) return findings
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === '')) return findings
  if (!isMap(contents)) {
    wrong(lineOf(contents), 'is not a mapping from settings to values', 'write one "name: value" a line')
    return findings
  }
  for (const { key, value } of contents.items) {
    const line = lineOf(key)
    const raw = rawOf(value)
    if (!isScalar(key) || typeof key.value !== 'string') wrong(line, 'the name of a setting is a plain word')
    else if (raw === undefined) wrong(line, `${key.value}: must be a value or a list of values`)
    else take({ spelling: key.value, raw, where: `${name}:${line}: ${key.value}` }, findings)
  }
  return findings
}

function rawOf(node: ParsedNode | null): string | readonly string[] | undefined {
  if (node === null) return ''
  if (isScalar(node)) return textOf(node)
  if (!isSeq(node)) return undefined
  const items = node.items.map((item) => textOf(item))
  return items.every((item) => item !== undefined) ? items : undefined
}

/** A scalar is text, or null where nothing is written. */
function textOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined
  return typeof node.value === 'string' ? node.value : node.value === null ? '' : undefined
}

const sentence = (message: string): string => `${message.charAt(0).toLowerCase()}${message.slice(1)}`.replace(/\.?\s*$/, '')
