export function clearUp(pid: number): string[]
export function endGroup(pid: number): void
