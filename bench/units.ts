/** Decimal, as disks and budgets are. */
export const MB = 1e6
export const GB = 1e9
