import type { CountedTest } from './tap-lines.mjs'

export function differences(results: readonly { readonly file: string, readonly tests: readonly CountedTest[] }[]): readonly CountedTest[]
