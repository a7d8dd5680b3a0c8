/**
 * The package mirror of this machine, read from its own apt sources, so that no host name is written down anywhere.
 *
 * Both forms are read: deb822 (*.sources) and one-line (*.list). Security and backports mirrors are passed over.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal } from './run.mjs'

/** What to unpack MySQL from, by the distribution's ID. Debian keeps the newest MySQL in sid only. The Ubuntu row is not run by our tests. */
const ARCHIVES = {
  debian: {
    suite: () => 'sid', components: 'main', keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    packages: [{ server: 'mysql-server-core', client: 'mysql-client-core' }],
  },
  ubuntu: {
    suite: (release) => release.VERSION_CODENAME, components: 'main universe', keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
    packages: [
      { server: 'mysql-server-core', client: 'mysql-client-core' },
      { server: 'mysql-server-core-8.4', client: 'mysql-client-core-8.4' },
      { server: 'mysql-server-core-8.0', client: 'mysql-client-core-8.0' },
    ],
  },
}

/** @returns {{ line: string, packages: readonly { server: string, client: string }[] }} a sources.list line and the packages in it */
export function mysqlArchive(etc = '/etc') {
  const release = osRelease(readFileSync(join(etc, 'os-release'), 'utf8'))
  const archive = ARCHIVES[release.ID]
  if (archive === undefined) throw new Refusal(`MySQL is unpacked from Debian or Ubuntu archives; this is ${release.ID ?? 'neither'}`)
  const codename = release.VERSION_CODENAME
  const source = readSources(join(etc, 'apt')).find((one) => one.types.includes('deb') && (one.suites.includes(codename) || one.suites.includes('sid')))
  if (source === undefined) throw new Refusal(`no apt source of ${codename} in ${join(etc, 'apt')}`)
  const keyring = source.signedBy ?? archive.keyring
  return { line: `deb [signed-by=${keyring}] ${source.uri} ${archive.suite(release)} ${archive.components}`, packages: archive.packages }
}

function osRelease(text) {
  return Object.fromEntries([...text.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, key, value]) => [key, value]))
}

function readSources(apt) {
  const folder = join(apt, 'sources.list.d')
  const parts = existsSync(folder) ? readdirSync(folder).sort().map((name) => join(folder, name)) : []
  return [...parts, join(apt, 'sources.list')].filter((path) => existsSync(path)).flatMap((path) => {
    if (path.endsWith('.sources')) return parseDeb822(readFileSync(path, 'utf8'))
    return path.endsWith('.list') ? parseOneLine(readFileSync(path, 'utf8')) : []
  })
}

/** Paragraphs of `Key: value`; a key of an embedded keyring (Signed-By with a block below it) is left to the default. */
export function parseDeb822(text) {
  return text.replace(/^#.*\n?/gm, '').split(/\n[ \t]*\n/).flatMap((paragraph) => {
    const field = (name) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'mi').exec(paragraph)?.[1].trim() ?? ''
    if (/^no$/i.test(field('Enabled'))) return []
    const signedBy = field('Signed-By').startsWith('/') ? field('Signed-By') : undefined
    return field('URIs').split(/\s+/).filter((uri) => /^https?:/.test(uri))
      .map((uri) => ({ uri, types: field('Types').split(/\s+/), suites: field('Suites').split(/\s+/), signedBy }))
  })
}

/** Lines `deb [options] uri suite component…`. */
export function parseOneLine(text) {
  return text.split('\n').flatMap((line) => {
    const [, type, options = '', uri, suite] = /^\s*(deb)\s+(?:\[([^\]]*)\]\s+)?(https?:\S+)\s+(\S+)/.exec(line) ?? []
    return uri === undefined ? [] : [{ uri, types: [type], suites: [suite], signedBy: /signed-by=(\/\S+)/.exec(options)?.[1] }]
  })
}
