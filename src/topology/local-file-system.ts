/**
 * Which file systems one machine has for itself. `link` and `flock` decide races only there: over a network
 * they are emulated, cached or absent, and differently by every server and client version.
 *
 * See statfs(2), linux/magic.h; FUSE and 9p stand here because nothing tells what is behind them.
 */
import { statfs } from 'node:fs/promises'
import { TabletError } from '../base/errors.ts'

const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'], [0x517b, 'SMB'], [0xff534d42, 'CIFS'], [0xfe534d42, 'SMB 2'], [0x564c, 'NCP'],
  [0x01021997, '9p'], [0x65735546, 'FUSE'], [0x00c36400, 'Ceph'], [0x0bd00bd0, 'Lustre'], [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'], [0x5346414f, 'AFS'], [0x6b414653, 'kAFS'], [0x73757245, 'Coda'], [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'], [0xaad7aaea, 'PanFS'], [0x61636673, 'ACFS'], [0xbacbacbc, 'vmhgfs'], [0x786f4256, 'vboxsf'],
])

/** The name of the network file system that statfs(2) reports as `type`, or undefined for a local one. */
export function networkFileSystem(type: number): string | undefined {
  // f_type is signed on some machines: CIFS arrives as a negative number
  return NETWORK_FILE_SYSTEMS.get(Number(BigInt.asUintN(32, BigInt(type))))
}

/** @throws TabletError TOPOLOGY_NOT_LOCAL when `directory` lies on a network file system; the system's error when it cannot be asked. */
export async function requireLocalFileSystem(directory: string): Promise<void> {
  const name = networkFileSystem((await statfs(directory)).type)
  if (name === undefined) return
  throw new TabletError('TOPOLOGY_NOT_LOCAL', `cannot keep the topology in ${directory}: it lies on ${name}, which other machines may share`)
}
