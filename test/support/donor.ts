/** A shard of one primary with rows in several tables, and backups of it: where tests of restores begin. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Operation } from '../../src/model/operation.ts'
import type { TestServer } from './servers.ts'
import { startShard } from './shard.ts'
import type { ShardOptions, TestShard } from './shard.ts'
import type { TestTablet } from './tablet.ts'

const SCHEMA = `create database app;
create table app.orders (id int auto_increment primary key, note varchar(200) not null) engine=InnoDB;
insert into app.orders (note) values ('first'), ('second');
${Array.from({ length: 10 }, () => "insert into app.orders (note) select concat('order ', id) from app.orders;").join('\n')}
create table app.parts (id int primary key, note varchar(100)) engine=InnoDB;
insert into app.parts values (1, 'one'), (2, 'two')`

/** `tablets` of them, the first one the primary, with the schema `app`. */
export async function startDonor(server: TestServer, more: Omit<ShardOptions, 'server' | 'tablets'> & { readonly tablets?: number } = {}): Promise<TestShard> {
  const shard = await startShard({ ...more, server, tablets: more.tablets ?? 1 })
  try {
    await shard.initPrimary(shard.tablet(0))
    await shard.tablet(0).rows(SCHEMA)
    return shard
  } catch (error) {
    await shard[Symbol.asyncDispose]()
    throw error
  }
}

export const backupDir = ({ place }: TestShard, name: string): string => join(place.storage, place.keyspace, place.shard, name)

/** Stores `original` once more under another time, so that it is newer or older; `change` edits its MANIFEST. */
export async function storeAgain(
  shard: TestShard, original: string, time: string, change: (manifest: Record<string, unknown>) => unknown = () => undefined,
): Promise<string> {
  const name = `${time}.${original.split('.').slice(2).join('.')}`
  await cp(backupDir(shard, original), backupDir(shard, name), { recursive: true })
  const path = join(backupDir(shard, name), 'MANIFEST')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  const changed = change(manifest) ?? manifest
  await writeFile(path, typeof changed === 'string' || Buffer.isBuffer(changed) ? changed : JSON.stringify(changed))
  return name
}

/** Asks over the admin socket, and resolves to the operation that began; endOf of backups.ts waits for its end at `/v1/operations/<id>`. */
export async function askRestore(tablet: TestTablet, body: object): Promise<Operation> {
  const answer = await tablet.admin('POST', '/v1/restore', body)
  if (answer.status !== 202) throw new Error(`POST /v1/restore answered ${answer.status}: ${answer.text}`)
  return answer.body as Operation
}
