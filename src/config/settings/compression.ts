/** Settings: how the files of a backup are compressed, and by whom they are read again. */
import { lexCommand } from '../../base/shell-words.ts'
import { boolean, canonical, choice, integer } from '../setting.ts'

/** A command with its arguments, as one would type it; it is run without a shell. */
const COMMAND = {
  placeholder: '<command>',
  read: (text: string): string => { lexCommand(text); return text },
} as const

const HOW_RUN = 'Without a shell, with the names of files in PATH, niced, in `/`, with PATH, HOME, USER, LOGNAME, LANG, LC_ALL, TMPDIR and TZ of the environment. '
  + 'Everybody on the machine can read its arguments (ps): let it read secrets from files.'

export const COMPRESSION_SETTINGS = {
  'backup-storage-compress': boolean({
    default: true, vitess: true, doc: 'Whether the files of a backup are compressed.',
  }),
  'compression-engine-name': choice({
    default: 'zstd', vitess: true, values: ['zstd', 'lz4', 'pgzip', 'pargzip', 'external'],
    doc: 'Compression of new backups; a restore reads whichever the backup names. pgzip and pargzip both write gzip. external: `external-compressor`.',
    reason: 'Vitess has pargzip; zstd is several times faster at the same size, and Vitess reads it as well.',
  }),
  'compression-level': integer({
    default: 1, vitess: true, min: 1, max: 19,
    doc: 'Compression level: 1 to 19 with zstd, 1 to 9 with pgzip and pargzip, 1 with lz4. An external command has its own.',
    reason: 'Vitess\'s. Higher levels cost far more time than they save space on table files.',
  }),
  'external-compressor': canonical({
    default: undefined, vitess: true, ...COMMAND,
    doc: `Command that compresses the files of new backups from its standard input to its standard output, one process a file. ${HOW_RUN} `
      + 'With an engine other than external its output must be what that engine reads.',
  }),
  'external-decompressor': canonical({
    default: undefined, vitess: true, ...COMMAND,
    doc: `Command that decompresses backups of the engine external. ${HOW_RUN}`,
  }),
  'external-decompressor-use-manifest': boolean({
    default: false, vitess: true,
    doc: 'Whether a backup of the engine external may be read with the command that its MANIFEST names, where `external-decompressor` is unset.',
    reason: 'Vitess\'s. Whoever can write to the backup storage could run programs on every tablet that restores.',
  }),
  'manifest-external-decompressor': canonical({
    default: undefined, vitess: true, ...COMMAND,
    doc: 'Command that the MANIFEST of new backups names for reading them.',
  }),
} as const
