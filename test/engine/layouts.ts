/** The three ways of laying out a server's directories that a restore goes between, on real servers. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RestoreParams } from '../../src/engine/backup-engine.ts'
import type { TestServer } from '../support/servers.ts'
import { tempDir } from '../support/temp-dir.ts'

export const LAYOUTS = ['all in the data directory', 'Vitess\'s: InnoDB\'s own directories', 'innodb_undo_directory set'] as const
export type LayoutName = (typeof LAYOUTS)[number]

export interface Layout extends AsyncDisposable {
  readonly name: LayoutName
  /** Lines for my.cnf. */
  readonly cnf: readonly string[]
  to(dataDir: string): RestoreParams['to']
}

export async function openLayout(name: LayoutName, server: TestServer): Promise<Layout> {
  const temp = await tempDir()
  const [innodb, log, undo] = ['innodb', 'log', 'undo'].map((part) => join(temp.path, part)) as [string, string, string]
  for (const directory of [innodb, log, undo]) await mkdir(directory)
  const undoTablespaces = server.name === 'mariadb' ? ['innodb-undo-tablespaces=3'] : []
  const dirs: Readonly<Record<LayoutName, readonly string[]>> = {
    'all in the data directory': [],
    'Vitess\'s: InnoDB\'s own directories': [`innodb-data-home-dir=${innodb}`, `innodb-log-group-home-dir=${log}`],
    'innodb_undo_directory set': [`innodb-undo-directory=${undo}`],
  }
  return {
    name,
    cnf: [...dirs[name], ...undoTablespaces],
    to: (dataDir) => ({
      dataDir,
      innodbDataHome: name.startsWith('Vitess') ? innodb : dataDir,
      innodbLogHome: name.startsWith('Vitess') ? log : dataDir,
      undoDir: name.startsWith('innodb_undo') ? undo : dataDir,
    }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  }
}

/** Makes a server's first files as the server itself lays them out. */
export async function initialise(server: TestServer, layout: Layout, dataDir: string): Promise<void> {
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const dirs = [`--datadir=${dataDir}`, ...user, ...layout.cnf.map((line) => `--${line}`)]
  const [program, args] = server.name === 'mysql'
    ? [server.mysqldPath, ['--no-defaults', '--initialize-insecure', '--secure-file-priv=NULL', '--mysqlx=OFF', '--innodb-redo-log-capacity=16M', ...dirs]]
    : [server.installDbPath ?? '', ['--no-defaults', '--auth-root-authentication-method=normal', '--skip-test-db', '--innodb-log-file-size=16M', ...dirs]]
  const child = spawn(program as string, args as string[], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => { said = (said + bytes.toString()).slice(-3000) })
  const [code] = await once(child, 'close') as [number | null]
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${said}`)
}

const COMMON = `
CREATE DATABASE app; CREATE DATABASE empty_schema; CREATE DATABASE \`odd #name\`;
CREATE TABLE app.plain (id INT PRIMARY KEY, v VARCHAR(200), FULLTEXT KEY (v)) ENGINE=InnoDB;
CREATE TABLE app.parts (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=InnoDB PARTITION BY HASH(id) PARTITIONS 3;
CREATE TABLE app.no_rows (id INT PRIMARY KEY) ENGINE=MyISAM;
CREATE TABLE app.isam (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=MyISAM;
CREATE TABLE app.csv (id INT NOT NULL) ENGINE=CSV;
CREATE TABLE \`odd #name\`.\`ta ble/ä\` (id INT PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO app.plain WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, REPEAT(CHAR(65 + i MOD 26), 150) FROM n;
INSERT INTO app.parts SELECT * FROM app.plain; INSERT INTO app.isam SELECT * FROM app.plain; INSERT INTO app.csv SELECT id FROM app.plain;
INSERT INTO \`odd #name\`.\`ta ble/ä\` SELECT id FROM app.plain;
CREATE VIEW app.view_of AS SELECT id FROM app.plain;
CREATE PROCEDURE app.proc() SELECT 42 AS answer;
CREATE USER 'kept'@'%' IDENTIFIED BY 'by the copy';
UPDATE app.plain SET v = REVERSE(v) WHERE id MOD 3 = 0; DELETE FROM app.parts WHERE id MOD 7 = 0;`

const MYSQL = `
CREATE UNDO TABLESPACE mine ADD DATAFILE 'mine.ibu';
CREATE TABLESPACE gen ADD DATAFILE 'gen.ibd';
CREATE TABLE app.in_general (id INT PRIMARY KEY, v VARCHAR(200)) TABLESPACE gen;
INSERT INTO app.in_general SELECT * FROM app.plain;`

const MARIADB = `
CREATE TABLE app.aria_log (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=Aria TRANSACTIONAL=1;
CREATE TABLE app.aria_plain (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=Aria TRANSACTIONAL=0;
CREATE SEQUENCE app.seq; SELECT NEXTVAL(app.seq);
INSERT INTO app.aria_log SELECT * FROM app.plain; INSERT INTO app.aria_plain SELECT * FROM app.plain; DELETE FROM app.aria_log WHERE id MOD 5 = 0;`

export const sampleSql = (server: TestServer): string => COMMON + (server.name === 'mysql' ? MYSQL : MARIADB)
