/** Every kind of value: what it takes, what it makes of it, and what it says of the rest. */
import { join } from 'node:path'
import t from 'tap'
import {
  boolean, canonical, choice, duration, integer, list, pairs, path, secretFile, text, type AnySetting,
} from '../../src/config/setting.ts'

const row = { default: undefined, doc: '' } as const

interface Case {
  readonly kind: string
  readonly setting: AnySetting
  readonly takes: readonly (readonly [raw: string | readonly string[], value: unknown])[]
  readonly refuses: readonly (readonly [raw: unknown, message: RegExp])[]
}

const CASES: readonly Case[] = [
  {
    kind: 'boolean', setting: boolean(row),
    takes: [['true', true], ['TRUE', true], ['t', true], ['1', true], ['yes', true], ['on', true], ['false', false], ['F', false], ['0', false], ['no', false], ['off', false]],
    refuses: [['maybe', /"maybe" is not true or false/], ['', /is not true or false/], ['2', /"2"/], [['true'], /a list is not true or false/]],
  },
  {
    kind: 'integer', setting: integer({ ...row, min: 1, max: 65_535 }),
    takes: [['1', 1], ['65535', 65_535], [' 80 ', 80], ['+7', 7], ['007', 7]],
    refuses: [['0', /from 1 to 65535/], ['65536', /"65536" is not a whole number/], ['1.5', /"1.5"/], ['1e3', /"1e3"/], ['0x10', /"0x10"/], ['', /""/], ['99999999999999999999', /is not/]],
  },
  {
    kind: 'duration', setting: duration({ ...row, min: 100, max: 3_600_000 }),
    takes: [['30s', 30_000], ['1m30s', 90_000], ['250ms', 250], ['1h', 3_600_000], ['1.5s', 1500]],
    refuses: [['30', /"30" is not a duration such as 30s/], ['0', /"0" is not between 100ms and 1h/], ['2h', /between/], ['-1s', /duration/], ['1d', /duration/], ['', /duration/]],
  },
  {
    kind: 'choice', setting: choice({ ...row, values: ['file', 'zip'], later: ['s3'] }),
    takes: [['file', 'file'], ['FILE', 'file']],
    refuses: [['s3', /"s3" is not part of this version, which has file, zip/], ['ftp', /"ftp" is not one of file, zip/], [['file'], /a list is not one of/]],
  },
  {
    kind: 'text', setting: text({ ...row, what: 'a unit name', matches: /^[a-z.]+$/ }),
    takes: [['mysql.service', 'mysql.service']],
    refuses: [['a b', /"a b" is not a unit name/], ['x'.repeat(80).toUpperCase(), /"X{60}…" is not/]],
  },
  {
    kind: 'text without a pattern', setting: text(row),
    takes: [['two words', 'two words']],
    refuses: [['two\nlines', /is not text/], ['nul\0', /is not text/]],
  },
  {
    kind: 'canonical text', setting: canonical({ ...row, placeholder: '', read: (value) => { if (value === 'bad') throw new Error('cannot read it'); return value.toUpperCase() } }),
    takes: [['abc', 'ABC']],
    refuses: [['bad', /^cannot read it$/]],
  },
  {
    kind: 'list', setting: list({ default: [], doc: '' }),
    takes: [['a,b', ['a', 'b']], [['a', 'b,c'], ['a', 'b', 'c']], ['', []], [' a , ,b ', ['a', 'b']]],
    refuses: [[42, /is not words/], [['a', { b: 1 }], /is not words/]],
  },
  {
    kind: 'pairs', setting: pairs({ default: {}, doc: '' }),
    takes: [['zone:eu,rack:b1', { zone: 'eu', rack: 'b1' }], ['url:http://x', { url: 'http://x' }], [['a:1', 'b:2'], { a: '1', b: '2' }]],
    refuses: [['zone', /"zone" is not key:value/], ['zone:', /"zone:"/]],
  },
  {
    kind: 'path', setting: path(row),
    takes: [['/a/../b', '/b'], ['here', join(process.cwd(), 'here')]],
    refuses: [['a\0b', /is not a path/]],
  },
  {
    kind: 'secret file', setting: secretFile(row),
    takes: [['/run/secret', '/run/secret']],
    refuses: [[['a', 'b'], /a list is not a path/]],
  },
]

for (const { kind, setting, takes, refuses } of CASES) {
  t.test(`${kind}: what it takes`, (t) => {
    t.ok(takes.length > 0)
    for (const [raw, value] of takes) {
      const parsed = setting.schema.safeParse(raw)
      t.same(parsed.success ? parsed.data : parsed.error.issues, value, JSON.stringify(raw))
    }
    t.end()
  })
  t.test(`${kind}: what it refuses, in words`, (t) => {
    for (const [raw, message] of refuses) {
      const parsed = setting.schema.safeParse(raw)
      t.notOk(parsed.success, JSON.stringify(raw))
      t.match(parsed.error?.issues[0]?.message, message)
    }
    t.end()
  })
}

t.test('a value that a row shows is one that the row takes', (t) => {
  const shown: readonly (readonly [AnySetting, unknown])[] = [
    [duration(row), 90_000], [integer({ ...row, min: 0, max: 9 }), 3], [boolean(row), true],
    [list({ default: [], doc: '' }), ['a', 'b']], [pairs({ default: {}, doc: '' }), { a: '1' }],
  ]
  for (const [setting, value] of shown) {
    const parsed = setting.schema.safeParse(setting.show(value))
    t.same(parsed.success && parsed.data, value)
  }
  t.equal(text(row).show(undefined), 'unset')
  t.end()
})
