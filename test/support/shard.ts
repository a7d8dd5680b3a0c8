/**
 * A real shard under one temporary directory: daemons, servers, file topology, file storage.
 *
 *     await using shard = await startShard({ server, tablets: 3 })
 *     await shard.initPrimary(shard.tablet(0))
 */
import { join } from 'node:path'
import { formatShardName } from '../../src/model/tablet.ts'
import { runProgram } from './run-program.ts'
import type { ProgramResult } from './run-program.ts'
import type { TestServer } from './servers.ts'
import { ROOT, daemonFlags, makeShardPlace, makeTabletPlace } from './shard-place.ts'
import type { ShardPlace } from './shard-place.ts'
import { TestTablet } from './tablet.ts'
import { initialisingOnce } from './initialise-once.ts'
import { tabletctlEnv } from './tabletctl.ts'
import { tempDir } from './temp-dir.ts'
import { copyTemplate } from './template.ts'

export interface ShardOptions {
  readonly server: TestServer
  /** How many are started with it. */
  readonly tablets: number
  readonly keyspace?: string
  readonly shard?: string
  /** Flags of every daemon, after the usual ones. */
  readonly flags?: readonly string[]
  /** Lines of every my.cnf, after the usual ones. */
  readonly cnf?: readonly string[]
  /** `really`: every empty data directory is initialised by the server; default: the first one of its kind (initialise-once.ts). */
  readonly initialise?: 'really'
  /** What starts every daemon; default: the sources of this tree. */
  readonly command?: readonly string[]
}

export interface TabletOptions {
  readonly server?: TestServer
  readonly flags?: readonly string[]
  readonly cnf?: readonly string[]
  /** false: everything is prepared and no daemon runs. Default true. */
  readonly start?: boolean
  /** Fills the data directory first: `freshServer` for one that somebody else initialised. */
  readonly prepare?: (dataDir: string) => Promise<void>
}

export interface TestShard extends AsyncDisposable {
  readonly name: string
  readonly place: ShardPlace
  readonly tablets: readonly TestTablet[]
  /** @throws Error when there is no such one. */
  tablet(index: number): TestTablet
  addTablet(options?: TabletOptions): Promise<TestTablet>
  /** tabletctl with the shard's topology, storage and token. */
  tabletctl(...args: readonly string[]): Promise<ProgramResult>
  /** As tabletctl, and throws with its output unless it exits 0. Resolves to standard output. */
  mustTabletctl(...args: readonly string[]): Promise<string>
  /** Waits until every daemon that runs has looked at its data, and its server answers or it waits for a backup. */
  untilStarted(): Promise<void>
  /** Names the tablet by init-shard-primary, once all have started, and waits until it is PRIMARY. */
  initPrimary(tablet: TestTablet, ...flags: readonly string[]): Promise<void>
  /** Takes a backup on `tablet`, follows it to its end, and resolves to its name. Fails unless it succeeded. */
  backup(tablet: TestTablet, ...flags: readonly string[]): Promise<string>
}

/** A server's data directory as its own installer makes it, for `prepare`. */
export const freshServer = (server: TestServer) => (dataDir: string): Promise<void> => copyTemplate(server, dataDir)

export async function startShard(options: ShardOptions): Promise<TestShard> {
  await using opened = new AsyncDisposableStack()
  const temp = opened.use(await tempDir())
  const place = makeShardPlace(temp.path, { keyspace: options.keyspace ?? 'commerce', shard: options.shard ?? '0' })
  const shard = new Shard(options, place)
  opened.defer(() => shard.endTablets())
  await Promise.all(Array.from({ length: options.tablets }, () => shard.addTablet()))
  shard.onDispose(opened.move())
  return shard
}

class Shard implements TestShard {
  readonly name: string
  readonly place: ShardPlace
  readonly #options: ShardOptions
  readonly #tablets: TestTablet[] = []
  #nextUid = 100
  #owned: AsyncDisposableStack | undefined

  constructor(options: ShardOptions, place: ShardPlace) {
    this.#options = options
    this.place = place
    this.name = formatShardName(place)
  }

  get tablets(): readonly TestTablet[] { return this.#tablets }

  tablet(index: number): TestTablet {
    const tablet = this.#tablets[index]
    if (tablet === undefined) throw new Error(`the shard has no tablet ${index}`)
    return tablet
  }

  async addTablet(options: TabletOptions = {}): Promise<TestTablet> {
    const server = options.server ?? this.#options.server
    const uid = this.#nextUid++
    const place = await makeTabletPlace(server, this.place, uid, [...this.#options.cnf ?? [], ...options.cnf ?? []])
    await options.prepare?.(place.dataDir)
    const mysqldPath = this.#options.initialise === 'really' ? server.mysqldPath : initialisingOnce(server, place.dir)
    const flags = [...daemonFlags({ ...server, mysqldPath }, this.place, place), ...this.#options.flags ?? [], ...options.flags ?? []]
    const tablet = new TestTablet(place, flags, this.#options.command)
    this.#tablets.push(tablet)
    this.#tablets.sort((a, b) => a.alias.localeCompare(b.alias))
    if (options.start === false) return tablet
    const exit = await tablet.startDaemon()
    if (exit !== undefined) throw new Error(`the daemon of ${tablet.alias} ended with ${exit.code ?? exit.signal}:\n${tablet.log().map((line) => line.msg).join('\n')}`)
    return tablet
  }

  tabletctl(...args: readonly string[]): Promise<ProgramResult> {
    return runProgram(process.execPath, [join(ROOT, 'src/cli/tabletctl.ts'), ...args], { env: tabletctlEnv(this.place), cwd: this.place.dir, timeoutMs: 180_000 })
  }

  async mustTabletctl(...args: readonly string[]): Promise<string> {
    const result = await this.tabletctl(...args)
    if (result.code !== 0) throw new Error(`tabletctl ${args.join(' ')} exited with ${result.code ?? result.signal}:\n${result.stdout}${result.stderr}`)
    return result.stdout
  }

  async initPrimary(tablet: TestTablet, ...flags: readonly string[]): Promise<void> {
    await this.untilStarted()
    await this.mustTabletctl('init-shard-primary', ...flags, this.name, tablet.alias)
    await tablet.becomes('PRIMARY')
  }

  /** A tablet without data is in RESTORE for a moment, and one that is starting cannot be asked. */
  async untilStarted(): Promise<void> {
    await Promise.all(this.#tablets.filter((tablet) => tablet.daemonRuns).map((tablet) => tablet.waitFor('its start has ended', async () => {
      const { type, mysqld, blockers } = await tablet.snapshot()
      return (type !== 'RESTORE' && mysqld.answers) || blockers.some(({ name }) => name === 'waiting-for-backup')
    }, 120_000)))
  }

  async backup(tablet: TestTablet, ...flags: readonly string[]): Promise<string> {
    const before = new Set(await this.#backups())
    await this.mustTabletctl('backup', ...flags, tablet.alias)
    const made = (await this.#backups()).filter((name) => !before.has(name))
    if (made.length !== 1 || made[0] === undefined) throw new Error(`expected one new backup, found ${made.length}`)
    return made[0]
  }

  async #backups(): Promise<readonly string[]> {
    const listed = JSON.parse(await this.mustTabletctl('list-backups', '--direct', '--json', this.name)) as { name: string }[] | { backups: { name: string }[] }
    return (Array.isArray(listed) ? listed : listed.backups).map((one) => one.name)
  }

  onDispose(owned: AsyncDisposableStack): void { this.#owned = owned }

  async endTablets(): Promise<void> {
    await Promise.all(this.#tablets.map((tablet) => tablet[Symbol.asyncDispose]()))
  }

  async [Symbol.asyncDispose](): Promise<void> { await this.#owned?.disposeAsync() }
}
