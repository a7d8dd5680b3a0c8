export function longestFirst(files: readonly string[], known: Readonly<Record<string, number>>): string[]
export function readSeconds(path: string): Record<string, number>
export function saveSeconds(path: string, taken: Readonly<Record<string, number>>): void
