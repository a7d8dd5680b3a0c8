/**
 * An application that inserts numbered rows and notes which ones were acknowledged: an acknowledged row that is
 * missing anywhere afterwards is a lost transaction.
 */
import mysql from 'mysql2/promise'

export interface Writer {
  /** Numbers whose commit was acknowledged, in order. */
  readonly acknowledged: readonly number[]
  /** Longest time, in milliseconds, between two acknowledged rows while it ran. */
  longestRefusalMs(): number
  stop(): Promise<void>
}

export interface WriterOptions {
  /** Where the primary is now; asked again after each refusal. undefined: nobody is at the moment. */
  readonly primary: () => Promise<mysql.ConnectionOptions | undefined>
  readonly schema: string
  /** Pause between two rows; default 2. */
  readonly everyMs?: number
}

/** Creates `<schema>.numbered` on the primary and begins; resolves once the first row is acknowledged. */
export async function startWriter(options: WriterOptions): Promise<Writer> {
  const acknowledged: number[] = []
  let longest = 0
  let last = Date.now()
  let stopping = false
  let connection: mysql.Connection | undefined
  const first = Promise.withResolvers<void>()

  const insert = async (number: number): Promise<void> => {
    connection ??= await open(options)
    await connection.query(`insert into \`${options.schema}\`.numbered (number) values (?)`, [number])
    const now = Date.now()
    longest = Math.max(longest, now - last)
    last = now
    acknowledged.push(number)
    first.resolve()
  }
  const loop = async (): Promise<void> => {
    // a number is tried once: whether a refused one was committed nobody knows, so it counts neither way
    for (let number = 1; !stopping; number++) {
      try {
        await insert(number)
      } catch {
        connection?.destroy()
        connection = undefined
      }
      await new Promise((resolve) => { setTimeout(resolve, options.everyMs ?? 2) })
    }
    connection?.destroy()
  }
  const ended = loop()
  await first.promise
  return {
    acknowledged,
    longestRefusalMs: () => longest,
    stop: async () => { stopping = true; await ended },
  }
}

async function open(options: WriterOptions): Promise<mysql.Connection> {
  const where = await options.primary()
  if (where === undefined) throw new Error('no primary at the moment')
  const connection = await mysql.createConnection({ connectTimeout: 2000, ...where })
  connection.on('error', () => undefined)   // the next query says it
  try {
    await connection.query(`create table if not exists \`${options.schema}\`.numbered (number int primary key)`)
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}
