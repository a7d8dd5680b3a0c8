/** What ran on one server has run on the other too, or says why not. */
import { serverOf } from './tap-lines.mjs'

const OTHER = { mysql: 'mariadb', mariadb: 'mysql' }

/**
 * A failed test for each one that ran on one server only. A skipped test has given its reason, and speaks for its subtests.
 *
 * @param {readonly { file: string, tests: readonly import('./tap-lines.mjs').CountedTest[] }[]} results
 * @returns {import('./tap-lines.mjs').CountedTest[]}
 */
export function differences(results) {
  return results.flatMap(({ file, tests }) => {
    const titles = new Set(tests.map(({ title }) => title))
    // a test that failed or was skipped on the other server need not have come to all of its subtests
    const excused = tests.filter(({ result }) => result !== 'passed').map(({ title }) => outermost(title))
    return tests.filter(({ title, result }) => result !== 'skipped' && serverOf(title) !== undefined).flatMap(({ title }) => {
      const server = serverOf(title)
      const twin = title.replace(`[${server}]`, `[${OTHER[server]}]`)
      if (titles.has(twin) || excused.includes(outermost(twin))) return []
      return [{ title: `${file}: "${title}" ran on ${server} only and gives no reason`, result: 'failed', reason: '', text: '' }]
    })
  })
}

const outermost = (title) => title.split(' › ')[0]
