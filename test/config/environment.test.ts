/** Variables: which are settings, and which are left alone. */
import t from 'tap'
import { readEnvironment } from '../../src/config/environment.ts'

t.test('a variable with our prefix is the setting of that name', (t) => {
  const { given, problems } = readEnvironment({ TABLETD_RESTORE_FROM_BACKUP: 'true', TABLETD_MYCNF_FILE: '/x', HOME: '/root', XTABLETD_PORT: '1' })
  t.same(given, [
    { name: 'restore-from-backup', raw: 'true', where: 'TABLETD_RESTORE_FROM_BACKUP' }, { name: 'my-cnf', raw: '/x', where: 'TABLETD_MYCNF_FILE' },
  ])
  t.same(problems, [])
  t.end()
})

t.test('an empty variable is as good as none', (t) => {
  t.same(readEnvironment({ TABLETD_PORT: '', TABLETD_NOSUCH: '', TABLETD_CONFIG: '' }), { given: [], problems: [], ignored: [], configFile: undefined })
  t.end()
})

t.test('what Kubernetes adds beside a service named tabletd is left alone', (t) => {
  const env = {
    TABLETD_SERVICE_HOST: '10.0.0.1', TABLETD_SERVICE_PORT: '80', TABLETD_SERVICE_PORT_HTTP: '80', TABLETD_PORT: 'tcp://10.0.0.1:80',
    TABLETD_PORT_80_TCP: 'tcp://10.0.0.1:80', TABLETD_PORT_80_TCP_ADDR: '10.0.0.1',
  }
  t.same(readEnvironment(env), { given: [], problems: [], ignored: [], configFile: undefined })
  t.end()
})

t.test('any other variable with our prefix is a mistake, and its value is not repeated', (t) => {
  const { problems } = readEnvironment({ TABLETD_RESTOR_FROM_BACKUP: 'hunter2', TABLETD_DB_REPL_PASSWORD: 'hunter2' })
  t.match(problems, [
    { where: 'TABLETD_RESTOR_FROM_BACKUP', hint: 'did you mean --restore-from-backup?' },
    { where: 'TABLETD_DB_REPL_PASSWORD', what: /files only/ },
  ])
  t.notMatch(JSON.stringify(problems), /hunter2/)
  t.end()
})
