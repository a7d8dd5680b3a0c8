/** A daemon for tests to kill: starts the server of a directory (mysqld-process.ts), prints its pid, and stays. */
import { join } from 'node:path'
import { silentLogger } from '../../src/base/logger.ts'
import { openMysqldProcess } from '../../src/mysqld/open-mysqld-process.ts'
import { readServerOptions } from '../../src/mysqld/read-server-options.ts'

const [dir = '', mysqldPath = ''] = process.argv.slice(2)
const ctx = { signal: new AbortController().signal, log: silentLogger() }
const myCnf = join(dir, 'my.cnf')
const options = await readServerOptions({ mysqldPath, myCnf }, ctx)
const mysqld = openMysqldProcess({ control: 'supervised', mysqldPath, myCnf, tabletDir: join(dir, 'tablet'), options })
const identity = await mysqld.start({ readOnly: false, closedToClients: false }, ctx)
process.stdout.write(`${identity.pid}\n`)
setInterval(() => undefined, 60_000)
