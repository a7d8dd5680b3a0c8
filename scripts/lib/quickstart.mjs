// The part of the quickstart that runs on any Node 18: reads the arguments, installs what is missing, goes on under Node 24.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, install, program } from './install.mjs'
import { findMysql, findProgram } from './layout.mjs'
import { node24 } from './npm-packages.mjs'
import { Refusal } from './run.mjs'

const USAGE = 'usage: npm run quickstart -- [--once] [--flavor mysql|mariadb] [--mysqld PATH]'

await program(async () => {
  const asked = readArguments()
  await install({ servers: asked.mysqld === undefined ? [asked.flavor] : [] })
  const server = asked.mysqld ?? (asked.flavor === 'mysql' ? findMysql()?.mysqld : findProgram('mariadbd'))
  if (server === undefined) throw new Refusal(`no ${asked.flavor} to play with; give one with --mysqld PATH`)
  return goOn([server, flavorOf(server), ...asked.once ? ['once'] : []])
})

function readArguments() {
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean' }, flavor: { type: 'string' }, mysqld: { type: 'string' } } })
    const flavor = values.flavor ?? 'mariadb'
    if (flavor !== 'mysql' && flavor !== 'mariadb') throw new Refusal(`unknown flavor ${flavor}`)
    if (values.mysqld !== undefined && !existsSync(values.mysqld)) throw new Refusal(`no file ${values.mysqld}`)
    return { once: values.once === true, flavor, mysqld: values.mysqld === undefined ? undefined : resolve(values.mysqld) }
  } catch (error) {
    throw new Refusal(`${error.message}\n${USAGE}`)
  }
}

/** As the server itself says it. */
function flavorOf(server) {
  const said = spawnSync(server, ['--no-defaults', '--version'], { encoding: 'utf8' })
  if (said.status !== 0) throw new Refusal(`${server} --version failed: ${said.error?.message ?? said.stderr}`)
  return /mariadb/i.test(said.stdout) ? 'mariadb' : 'mysql'
}

/** Ctrl-C reaches both processes; this one waits until the other has cleaned up. */
function goOn(args) {
  const child = spawn(node24(ROOT), [join(ROOT, 'scripts/quickstart-story.ts'), ...args], { stdio: 'inherit' })
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => { child.kill(signal) })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => { resolve(code ?? 1) })
  })
}
