// What the bench measures with and against: a server, sysbench, zstd, and an object store for the parts that need one.
import { FOR_BENCH, installDebianPackages } from './debian-packages.mjs'
import { install } from './install.mjs'
import { installSwift } from './swift-prefix.mjs'

/** @throws Refusal when something is missing and may not be installed: a bench has nothing to skip. */
export async function installForBench({ flavor, objectStore }) {
  await installDebianPackages(FOR_BENCH)
  await install({ servers: [flavor] })
  if (objectStore) await installSwift()
}
