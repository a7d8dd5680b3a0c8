export interface AptSource {
  readonly uri: string
  readonly types: readonly string[]
  readonly suites: readonly string[]
  readonly signedBy: string | undefined
}
export function mysqlArchive(etc?: string): {
  readonly line: string
  readonly packages: readonly { readonly server: string, readonly client: string }[]
}
export function parseDeb822(text: string): readonly AptSource[]
export function parseOneLine(text: string): readonly AptSource[]
