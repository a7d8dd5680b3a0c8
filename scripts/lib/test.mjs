/**
 * scripts/test: installs, checks types and style, runs test files under Node 24, counts.
 *
 * Ends with `N passed, N failed, N skipped`; exits non-zero when a test failed or none ran. Files are tap tests that run
 * by themselves (`node test/x.test.ts`); this runs a few at a time and reads what they say.
 */
import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { ROOT, install, program } from './install.mjs'
import { node24 } from './npm-packages.mjs'
import { Refusal, output } from './run.mjs'
import { differences } from './server-differences.mjs'
import { serverOf } from './tap-lines.mjs'
import { runTestFile } from './test-file.mjs'
import { longestFirst, readSeconds, saveSeconds } from './test-order.mjs'

/** Folders of test/ that are a group of their own, and how long one of their files may take, in seconds. The rest is `unit`. */
const GROUPS = { unit: 300, integration: 600, faults: 600 }

/** What each file took when it last ran here. */
const SECONDS = join(ROOT, '.cache/test-seconds.json')

await program(async () => {
  const wanted = process.argv.slice(2)
  const files = chooseFiles(wanted)
  await install({ servers: ['mysql', 'mariadb'], objectStores: true, loadBalancer: true, bench: true })
  const [checks, results] = await Promise.all([
    wanted.some((word) => word.endsWith('.ts')) ? [] : checkSources(),
    runAll(longestFirst(files, readSeconds(SECONDS))),
  ])
  return report(results, checks)
})

function chooseFiles(wanted) {
  const unknown = wanted.find((word) => !(word in GROUPS) && !word.endsWith('.test.ts'))
  if (unknown !== undefined) throw new Refusal(`unknown: ${unknown}. Usage: scripts/test [${Object.keys(GROUPS).join('] [')}] [FILE.test.ts…]`)
  const named = wanted.filter((word) => word.endsWith('.test.ts')).map((word) => relative(ROOT, join(process.cwd(), word)))
  const groups = wanted.length === 0 ? Object.keys(GROUPS) : wanted.filter((word) => word in GROUPS)
  const all = testFiles(join(ROOT, 'test')).map((path) => relative(ROOT, path)).sort()
  return [...new Set([...groups.flatMap((group) => all.filter((file) => groupOf(file) === group)), ...named])]
}

function testFiles(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return testFiles(path)
    return name.endsWith('.test.ts') ? [path] : []
  })
}

function groupOf(file) {
  const [, folder] = file.split('/')
  return folder in GROUPS ? folder : 'unit'
}

/** Types and style, as failed or passed tests of their own. */
async function checkSources() {
  const bin = (name) => join(ROOT, 'node_modules/.bin', name)
  const env = { ...process.env, PATH: `${join(node24(ROOT), '..')}:${process.env.PATH}` }
  const checks = [['types', bin('tsc'), ['--noEmit', '-p', '.']], ['style', bin('eslint'), ['.']]]
  return Promise.all(checks.map(async ([title, tool, args]) => {
    const failure = await output(tool, args, { cwd: ROOT, env }).then(() => undefined, (error) => error.message)
    const test = { title, result: failure === undefined ? 'passed' : 'failed', reason: '', text: failure ?? '' }
    sayFile({ file: title, seconds: 0, tests: [test] })
    return test
  }))
}

async function runAll(files) {
  const queue = [...files]
  const results = []
  const jobs = Number(process.env.TABLETD_TEST_JOBS ?? availableParallelism() + 3)   // most of them wait for a server most of the time
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runTestFile(file, { root: ROOT, node: node24(ROOT), seconds: GROUPS[groupOf(file)] })
      sayFile(result)
      results.push(result)
    }
  }))
  saveSeconds(SECONDS, Object.fromEntries(results.map(({ file, seconds }) => [file, seconds])))
  return results
}

function sayFile({ file, seconds, tests }) {
  const failed = tests.filter((test) => test.result === 'failed')
  console.log(`${failed.length === 0 ? 'ok    ' : 'FAILED'} ${file}  ${sum(tests)}${seconds === 0 ? '' : `, ${seconds.toFixed(1)} s`}`)
  for (const test of failed) console.log(`\n    ${test.title}\n${test.text.replace(/^/gm, '      ')}\n`)
}

function count(tests, result) { return tests.filter((test) => test.result === result).length }

function sum(tests) { return `${count(tests, 'passed')} passed, ${count(tests, 'failed')} failed, ${count(tests, 'skipped')} skipped` }

function report(results, checks) {
  const ran = results.flatMap((result) => result.tests)
  const unequal = (process.env.TABLETD_TEST_SERVERS ?? '') === '' ? differences(results) : []   // one alone was asked for
  const tests = [...checks, ...ran, ...unequal]
  console.log()
  for (const test of tests.filter((one) => one.result === 'skipped')) console.log(`skipped: ${test.title} (${test.reason})`)
  for (const test of unequal) console.log(`FAILED ${test.title}`)
  for (const server of ['mysql', 'mariadb']) console.log(`${server}: ${sum(ran.filter((test) => serverOf(test.title) === server))}`)
  for (const { file, tests: all } of results.filter((result) => count(result.tests, 'failed') > 0)) console.log(`FAILED ${file}: ${count(all, 'failed')}`)
  if (ran.length === 0) console.log('no test ran')
  console.log(sum(tests))
  return ran.length === 0 || count(tests, 'failed') > 0 ? 1 : 0
}
