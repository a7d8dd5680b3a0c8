/**
 * What a daemon that was killed during a private boot leaves: a server that nobody waits for, and a directory with its
 * init file, which holds passwords.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { withDeadline, type ActionContext } from '../base/action.ts'
import { isErrno } from '../base/errors.ts'
import { findMysqldOf, PRIVATE_DIRECTORY_PREFIX, type WhereToLook } from './find-mysqld.ts'
import { waitUntilGone } from './process-identity.ts'
import { terminate } from './stop-mysqld.ts'

const BOOT_DIRECTORY = `${PRIVATE_DIRECTORY_PREFIX}boot-`
const END_MS = 60_000

/**
 * Ends the private server and removes the directories of private boots in `tabletDir`. To be called before any new one
 * begins. Never kills: one that does not end within a minute rejects with DEADLINE_EXCEEDED, and its directory stays.
 */
export async function removePrivateRemains(
  { tabletDir, where }: { readonly tabletDir: string, readonly where: WhereToLook }, ctx: ActionContext,
): Promise<void> {
  for (let found = await findMysqldOf(where); found?.isPrivate === true; found = await findMysqldOf(where)) {
    const { identity } = found
    ctx.log.warn({ mysqldPid: identity.pid }, 'ending a private mysqld that outlived its daemon')
    await terminate(identity)
    await withDeadline(`end the private mysqld ${identity.pid}`, END_MS, (bounded) => waitUntilGone(identity, bounded), ctx)
  }
  for (const name of await readdir(tabletDir).catch(absent)) {
    if (name.startsWith(BOOT_DIRECTORY)) await rm(join(tabletDir, name), { recursive: true, force: true })
  }
}

function absent(error: unknown): readonly string[] {
  if (isErrno(error, 'ENOENT')) return []
  throw error
}
