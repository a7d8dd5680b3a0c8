/**
 * What the commands share: the settings that tabletctl was told, the stores they name, and the way to each tablet.
 *
 * Everything is opened when first needed, so that `tabletctl help` needs no setting, and a command for the tablet of
 * this machine no topology.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import type { ActionContext } from '../base/action.ts'
import { TabletError } from '../base/errors.ts'
import { defaultTabletDir } from '../config/derive.ts'
import type { ClientConfig } from '../config/load.ts'
import { readSecretFile } from '../config/secrets.ts'
import type { TabletRecord } from '../model/records.ts'
import type { TabletSnapshot } from '../model/snapshot.ts'
import type { ShardName, TabletAlias } from '../model/tablet.ts'
import type { BackupStorage } from '../storage/backup-storage.ts'
import { openStorage } from '../storage/open-storage.ts'
import { openFileTopology } from '../topology/file-topology.ts'
import type { ListedTablet, Topology } from '../topology/topology.ts'
import type { BackupCandidate } from './choose-backup-tablet.ts'
import { askTablet, type TabletAddress, type TabletTarget } from './tablet-client.ts'

/** Name of the admin socket in a tablet directory, and of the tag with which a daemon tells its path to this machine. */
export const ADMIN_SOCKET = 'admin.sock'
export const ADMIN_SOCKET_TAG = 'admin-socket'

export interface Output {
  /** The result of the command. */
  print(text: string): void
  /** What happens meanwhile. */
  readonly progress: { write(text: string): unknown, readonly isTTY?: boolean, readonly columns?: number }
  readonly json: boolean
}

export class Session {
  readonly #config: ClientConfig
  readonly output: Output
  #topology: Promise<Topology> | undefined
  #ownAlias: Promise<string | undefined> | undefined

  constructor(config: ClientConfig, output: Output) {
    this.#config = config
    this.output = output
  }

  /** @throws TabletError SETTINGS_INVALID when no setting says where it is; TOPOLOGY_UNREACHABLE. */
  topology(ctx: ActionContext): Promise<Topology> {
    const root = this.#config['topo-root']
    if (root === undefined) throw new TabletError('SETTINGS_INVALID', 'cannot find tablets: set topo-root (--topo-root, TABLETD_TOPO_ROOT or in the file of --config)')
    this.#topology ??= openFileTopology({ root, create: false }, ctx)
    return this.#topology
  }

  storage(): BackupStorage {
    return openStorage(this.#config['backup-storage-implementation'] ?? 'file', this.#config)
  }

  /** The way to one tablet: the admin socket of the settings' own tablet, else what the topology says. */
  async tablet(alias: TabletAlias, ctx: ActionContext): Promise<TabletTarget> {
    const local = await this.#ownSocket(alias, ctx)
    if (local !== undefined) return { alias, addresses: [{ socketPath: local }], token: undefined }
    const found = await (await this.topology(ctx)).findTablet(alias, ctx)
    if (found === undefined) throw new TabletError('TABLET_NOT_FOUND', `cannot find tablet ${alias} in the topology`)
    return await this.target(found.record, ctx)
  }

  async target({ alias, hostname, httpPort, tags }: TabletRecord, ctx: ActionContext): Promise<TabletTarget> {
    const sockets = [await this.#ownSocket(alias, ctx), tags[ADMIN_SOCKET_TAG], join(defaultTabletDir(alias), ADMIN_SOCKET)]
    const addresses: TabletAddress[] = sockets.filter((path) => path !== undefined && existsSync(path)).map((socketPath) => ({ socketPath: socketPath ?? '' }))
    const tls = await this.#tls()
    addresses.push({ host: hostname, port: httpPort, ...tls === undefined ? {} : { tls } })
    const tokenFile = this.#config['api-token-file']
    return { alias, addresses, token: tokenFile === undefined ? undefined : await readSecretFile(tokenFile) }
  }

  async listTablets(shard: ShardName, ctx: ActionContext): Promise<readonly ListedTablet[]> {
    const tablets = await (await this.topology(ctx)).listTablets(shard, ctx)
    if (tablets.length === 0) throw new TabletError('TABLET_NOT_FOUND', `cannot find a tablet of ${shard.keyspace}/${shard.shard} in the topology`)
    return tablets
  }

  /** The latest snapshot, or undefined when the daemon is dead or does not answer within three seconds. */
  async snapshotOf(tablet: ListedTablet, ctx: ActionContext): Promise<TabletSnapshot | undefined> {
    if (!tablet.live) return undefined
    try {
      return await askTablet(await this.target(tablet.record, ctx), { method: 'GET', path: '/v1/tablet', timeoutMs: 3_000 }, ctx.signal) as TabletSnapshot
    } catch {
      ctx.signal.throwIfAborted()
      return undefined   // a list shows it as unreachable; commands that need this tablet ask it themselves and say why
    }
  }

  /** Tablets with what they say of themselves, for choosing one. */
  async candidates(tablets: readonly ListedTablet[], ctx: ActionContext): Promise<readonly BackupCandidate[]> {
    return await Promise.all(tablets.map(async (tablet) => ({ alias: tablet.record.alias, snapshot: await this.snapshotOf(tablet, ctx) })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const topology = await this.#topology?.catch(() => undefined)
    await topology?.[Symbol.asyncDispose]()
  }

  /** The socket in `tablet-dir`, if the tablet there is the one meant: by `tablet-path`, else by what its daemon says. */
  async #ownSocket(alias: TabletAlias, ctx: ActionContext): Promise<string | undefined> {
    const named = this.#config['tablet-path']
    const directory = this.#config['tablet-dir'] ?? (named === undefined ? undefined : defaultTabletDir(named))
    if (directory === undefined) return undefined
    const path = join(directory, ADMIN_SOCKET)
    if (!existsSync(path)) return undefined
    if (named !== undefined) return named === alias ? path : undefined
    this.#ownAlias ??= aliasBehind(path, ctx)
    return await this.#ownAlias === alias ? path : undefined
  }

  /** Tablets speak TLS where tls-cert is set; the same files prove who we are. */
  async #tls(): Promise<SecureContextOptions | undefined> {
    const { 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': ca } = this.#config
    if (cert === undefined || key === undefined) return undefined
    return { cert: await readFile(cert), key: await readFile(key), ...ca === undefined ? {} : { ca: await readFile(ca) } }
  }
}

/** Which tablet answers on `socketPath`; undefined when none does. */
async function aliasBehind(socketPath: string, ctx: ActionContext): Promise<string | undefined> {
  try {
    const anyone = { alias: '', addresses: [{ socketPath }], token: undefined }
    return (await askTablet(anyone, { method: 'GET', path: '/v1/tablet', timeoutMs: 3_000 }, ctx.signal) as TabletSnapshot).alias
  } catch {
    return undefined   // a socket that a killed daemon left: the topology says where its tablet is
  }
}
