/**
 * Reads the TAP of one test file and counts its tests.
 *
 * A test is a subtest that holds only assertions (one statement, however many assertions prove it), or an assertion
 * that stands outside of such a subtest. What surrounds tests counts only when it fails without a test having failed:
 * a crash, a plan that was not kept, a time-out. A subtest that asserts nothing has failed.
 */

/** @returns {{ tests: { title: string, result: 'passed' | 'failed' | 'skipped', reason: string, text: string }[] }} */
export function readTap(text) {
  const root = { title: '', points: [], ok: true }
  const open = [root]
  let last
  let diagnosis   // indentation of the YAML block being read: what it quotes may look like TAP
  for (const line of text.split('\n')) {
    if (diagnosis !== undefined || /^ *---$/.test(line)) {
      last?.lines.push(line)
      if (line === `${diagnosis}...`) diagnosis = undefined
      else diagnosis ??= line.slice(0, -3)
      continue
    }
    const indent = /^ */.exec(line)[0].length / 4
    const subtest = /^ *# Subtest: (.*)$/.exec(line)
    const point = /^ *(not )?ok \d+(?: - (.*?))?(?: # (time=\S+|SKIP|TODO)(.*))?( \{)?$/i.exec(line)
    if (subtest !== null) {
      open.length = indent + 1
      open.push({ title: subtest[1], points: [], ok: true, lines: [], subtest: true })
    } else if (point !== null) {
      last = settle(open, indent, point)
    } else if (/^ *Bail out!/.test(line)) {
      root.points.push({ title: line.trim(), ok: false, points: [], lines: [] })
    } else {
      last?.lines.push(line)
    }
  }
  // a subtest that was announced and never answered: the process ended inside it
  for (const half of open.slice(1).filter((one) => !one.answered)) root.points.push({ ...half, ok: false, title: `${half.title} (did not end)` })
  return { tests: testsIn(root, '') }
}

/** Notes a test point at its place: the answer of the subtest open one level deeper, or a plain assertion. */
function settle(open, indent, [, not, title = '', directive = '', reason = '']) {
  const subtest = open[indent + 1]
  const point = subtest !== undefined && !subtest.answered ? subtest : { points: [], lines: [] }
  point.answered = true
  point.lines ??= []
  point.title = unescape(point.points.length > 0 ? subtest.title : title)
  point.ok = not === undefined
  if (/^(skip|todo)$/i.test(directive)) point.skipped = reason.trim() === '' ? 'no reason given' : reason.trim()
  open.length = Math.min(open.length, indent + 1)
  open[indent]?.points.push(point)
  return point
}

const unescape = (title) => title.replaceAll('\\#', '#')

function testsIn(node, path) {
  return node.points.flatMap((point) => {
    const title = path === '' ? point.title : `${path} › ${point.title}`
    const statement = point.points.every((child) => child.points.length === 0)
    if (!statement) {
      const within = testsIn(point, title)
      const unexplained = !point.ok && within.every((test) => test.result !== 'failed')
      return unexplained ? [...within, { title, result: 'failed', reason: '', text: point.lines.join('\n') }] : within
    }
    if (point.skipped !== undefined) return [{ title, result: 'skipped', reason: point.skipped, text: '' }]
    if (point.ok && point.subtest && point.points.length === 0) return [{ title, result: 'failed', reason: '', text: 'asserts nothing' }]
    const failed = point.points.filter((child) => !child.ok && child.skipped === undefined)
    const text = [...failed.flatMap((child) => [`not ok - ${child.title}`, ...child.lines]), ...(point.ok || failed.length > 0 ? [] : point.lines)].join('\n')
    return [{ title, result: point.ok ? 'passed' : 'failed', reason: '', text }]
  })
}

/** The server's name at the end of a part of the title: `… [mysql]`. */
export const serverOf = (title) => /\[(mysql|mariadb)\](?: ›|$)/.exec(title)?.[1]
