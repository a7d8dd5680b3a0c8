export interface FoundProgram {
  readonly program: string
  /** What the program needs in its environment beside the usual. */
  readonly env: Readonly<Record<string, string>>
}

export function findHaproxy(): FoundProgram | undefined
export function findPromtool(): string | undefined
export function installLoadBalancer(): Promise<void>
