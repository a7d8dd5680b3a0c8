// Debian and Ubuntu packages that tests and the quickstart need. Always the -core variants: the full ones start a service.
import { findProgram } from './layout.mjs'
import { Refusal, output, say } from './run.mjs'

/** Which program shows that which package is there. Later issues add rows. */
const PACKAGES = [
  { program: ['mariadbd'], package: 'mariadb-server-core' },
  { program: ['mariadb'], package: 'mariadb-client-core' },
  { program: ['flock'], package: 'util-linux' },
  { program: ['zstd'], package: 'zstd' },
  { program: ['lz4'], package: 'lz4' },
]

/** What the bench needs beyond that, and nobody else. */
export const FOR_BENCH = [{ program: ['sysbench'], package: 'sysbench' }]

/** Installs what is missing, of `more` too. @throws Refusal that names the packages when we may not. */
export async function installDebianPackages(more = []) {
  const missing = missingPackages(more)
  if (missing.length === 0) return
  if (findProgram('apt-get') === undefined) throw new Refusal(`missing: ${missing.join(', ')}. There is no apt-get here; install them by hand.`)
  if (process.getuid() !== 0) throw new Refusal(`missing: ${missing.join(', ')}. Run as root: apt-get install --no-install-recommends ${missing.join(' ')}`)
  say(`installing Debian packages: ${missing.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => output('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env })
  // the lists of a fresh machine are empty or old
  await output('apt-get', ['update', '-qq'], { env })
  await install()
}

export const missingPackages = (more = []) => [...PACKAGES, ...more].filter((row) => findProgram(...row.program) === undefined).map((row) => row.package)
