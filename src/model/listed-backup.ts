/** One backup as lists show it. */
export interface ListedBackup {
  readonly name: string
  /** From the name; undefined when the name is not `<time>.<alias>`. RFC 3339. */
  readonly time?: string
  readonly tabletAlias?: string
  readonly status: 'complete' | 'incomplete' | 'unreadable' | 'corrupt'
  /** Why it is unreadable or corrupt. */
  readonly reason?: string
  readonly engine?: string
  readonly position?: string
  readonly mysqlVersion?: string
  readonly bytes?: number
  readonly storedBytes?: number
  readonly finishedTime?: string
}
