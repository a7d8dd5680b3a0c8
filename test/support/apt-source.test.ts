import t from 'tap'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mysqlArchive, parseDeb822, parseOneLine } from '../../scripts/lib/apt-source.mjs'
import { tempDir } from './temp-dir.ts'

const DEB822 = `# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/own.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm

Types: deb
URIs: cdrom:[disc]/ https://second.example/debian
Suites: bookworm-security
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
`

t.test('deb822 sources are read; disabled ones, discs and embedded keys are not', async (t) => {
  t.strictSame(parseDeb822(DEB822), [
    { uri: 'http://mirror.example/debian', types: ['deb', 'deb-src'], suites: ['bookworm', 'bookworm-updates'], signedBy: '/usr/share/keyrings/own.gpg' },
    { uri: 'https://second.example/debian', types: ['deb'], suites: ['bookworm-security'], signedBy: undefined },
  ])
})

t.test('one-line sources are read; comments, sources of source code and discs are not', async (t) => {
  t.strictSame(parseOneLine([
    'deb http://mirror.example/debian bookworm main',
    '# deb http://commented.example/debian bookworm main',
    'deb-src http://mirror.example/debian bookworm main',
    'deb [arch=amd64 signed-by=/k.gpg] https://second.example/debian trixie main contrib',
    'deb cdrom:[disc]/ bookworm main',
  ].join('\n')), [
    { uri: 'http://mirror.example/debian', types: ['deb'], suites: ['bookworm'], signedBy: undefined },
    { uri: 'https://second.example/debian', types: ['deb'], suites: ['trixie'], signedBy: '/k.gpg' },
  ])
})

t.test('MySQL comes from the mirror of the machine\'s own release, from sid on Debian', async (t) => {
  await using dir = await tempDir()
  await mkdir(join(dir.path, 'apt/sources.list.d'), { recursive: true })
  await writeFile(join(dir.path, 'os-release'), 'ID=debian\nVERSION_CODENAME=bookworm\n')
  await writeFile(join(dir.path, 'apt/sources.list.d/vendor.list'), 'deb https://vendor.example/apt stable main\n')
  t.throws(() => mysqlArchive(dir.path), /no apt source of bookworm/, 'another vendor\'s repository is not a mirror of the release')
  await writeFile(join(dir.path, 'apt/sources.list'), 'deb http://mirror.example/debian bookworm main\n')
  t.equal(mysqlArchive(dir.path).line, 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian sid main')
  await writeFile(join(dir.path, 'os-release'), 'ID=fedora\n')
  t.throws(() => mysqlArchive(dir.path), /this is fedora/)
})
