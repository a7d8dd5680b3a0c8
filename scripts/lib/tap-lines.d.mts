export interface CountedTest {
  readonly title: string
  readonly result: 'passed' | 'failed' | 'skipped'
  readonly reason: string
  readonly text: string
}
export function readTap(text: string): { readonly tests: readonly CountedTest[] }
export function serverOf(title: string): 'mysql' | 'mariadb' | undefined
