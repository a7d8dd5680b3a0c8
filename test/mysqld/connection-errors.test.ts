import t from 'tap'
import { codeOf, connectError, errnoOf, isWithoutTls, statementError } from '../../src/mysqld/connection-errors.ts'

const socket = { kind: 'socket', path: '/run/m.sock' } as const

const codes: readonly [string, { code?: string, errno?: number }, string][] = [
  ['no socket', { code: 'ENOENT' }, 'MYSQLD_UNREACHABLE'], ['nobody listens', { code: 'ECONNREFUSED', errno: -111 }, 'MYSQLD_UNREACHABLE'],
  ['the server went away', { code: 'PROTOCOL_CONNECTION_LOST' }, 'MYSQLD_UNREACHABLE'], ['full', { errno: 1040 }, 'MYSQLD_UNREACHABLE'],
  ['shutting down', { errno: 1053 }, 'MYSQLD_UNREACHABLE'], ['wrong password', { errno: 1045 }, 'MYSQLD_ACCESS_DENIED'],
  ['no such account over the socket', { errno: 1698 }, 'MYSQLD_ACCESS_DENIED'], ['missing privilege', { errno: 1227 }, 'MYSQLD_ACCESS_DENIED'],
  ['any other answer', { errno: 1062 }, 'QUERY_FAILED'], ['no answer that we know', {}, 'QUERY_FAILED'],
]
for (const [name, error, code] of codes) {
  t.test(`${name} is ${code}`, (t) => {
    t.equal(codeOf({ message: 'm', ...error }), code)
    t.end()
  })
}

t.test('a failed connection names the place and is never QUERY_FAILED', (t) => {
  const error = connectError({ message: 'connect ENOENT', code: 'ENOENT' }, socket)
  t.match(error, { code: 'MYSQLD_UNREACHABLE', message: 'cannot connect to mysqld at /run/m.sock: connect ENOENT' })
  t.equal(connectError({ message: 'strange', code: 'HANDSHAKE_UNKNOWN' }, socket).code, 'MYSQLD_UNREACHABLE')
  const remote = { kind: 'tcp', address: { host: 'h', port: 1 }, ssl: 'preferred' } as const
  t.match(connectError({ message: 'no', errno: 1045 }, remote), { code: 'MYSQLD_ACCESS_DENIED', message: 'cannot connect to mysqld at h:1: no' })
  t.equal(isWithoutTls(connectError({ message: 'no', code: 'HANDSHAKE_NO_SSL_SUPPORT' }, remote)), true)
  t.equal(isWithoutTls(error), false)
  t.end()
})

t.test('an error keeps the number of the server, and neither the statement nor the driver\'s error', (t) => {
  const driver = Object.assign(new Error('duplicate'), { errno: 1062, code: 'ER_DUP_ENTRY', sql: 'INSERT secret' })
  const error = statementError(driver, { text: 'INSERT secret' })
  t.equal(errnoOf(error), 1062)
  t.equal(error.cause, undefined)
  t.notMatch(JSON.stringify({ ...error, message: error.message }), /secret/)
  t.end()
})

t.test('secrets are struck from messages, and a syntax error that quotes the statement is withheld', (t) => {
  const statement = { text: 'x', secrets: ['pa\'ss', '\'pa\\\'ss\'', ''] }
  t.equal(statementError({ message: 'bad value pa\'ss here', errno: 1231 }, statement).message, 'bad value *** here')
  t.notMatch(statementError({ message: 'near \'a\\\'ss\' at line 1', errno: 1064 }, statement).message, /ss'/)
  t.equal(statementError({ message: 'near \'x\' at line 1', errno: 1064 }, { text: 'x' }).message, 'near \'x\' at line 1')
  t.end()
})
