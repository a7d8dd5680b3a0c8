/**
 * How this tablet's data came to be, kept in memory and in `.tabletd.json` of the data directory.
 *
 * Promises  a change is durable before the call resolves; a mark that cannot be read counts as data of ours of
 *           unknown age, which no record makes primary.
 */
import type { DataFacts } from '../model/snapshot.ts'
import { readOriginMark, writeOriginMark, type OriginMark, type OriginMarkFound } from '../mysqld/origin-mark.ts'

export class Origin {
  readonly #dataDir: string
  #found: OriginMarkFound
  #lastChange: Promise<void> = Promise.resolve()

  private constructor(dataDir: string, found: OriginMarkFound) {
    this.#dataDir = dataDir
    this.#found = found
  }

  static async open(dataDir: string): Promise<Origin> {
    return new Origin(dataDir, await readOriginMark(dataDir))
  }

  /** After somebody else made the data (bootstrap). */
  async reload(): Promise<void> { this.#found = await readOriginMark(this.#dataDir) }

  get found(): OriginMarkFound { return this.#found }
  get #mark(): OriginMark | undefined { return this.#found.kind === 'mark' ? this.#found.mark : undefined }

  get made(): OriginMark['made'] { return this.#found.kind === 'unreadable' ? 'restore' : this.#mark?.made ?? 'found' }
  get newestTermBefore(): number | undefined { return this.made === 'found' ? 0 : this.#mark?.newestTermBefore }
  /** Of a server that we made: the number its data directory was given. */
  get serverId(): number | undefined { return this.#mark?.serverId }
  get closed(): boolean { return this.#mark?.closed === true }
  get drained(): boolean { return this.#mark?.drained === true }
  get hasServed(): boolean { return this.#mark?.everAttached === true || this.#mark?.everPromoted === true }

  get facts(): Omit<DataFacts, 'hasUserData'> {
    const mark = this.#mark
    return {
      origin: this.made,
      ...(mark?.backup === undefined ? {} : { restoredFrom: mark.backup }),
      ...(mark?.position === undefined ? {} : { restoredPosition: mark.position }),
      ...(this.newestTermBefore === undefined ? {} : { newestTermBefore: this.newestTermBefore }),
    }
  }

  /** Data that tabletd did not make: said once, when first seen. */
  markFound(): Promise<void> {
    return this.#change(() => this.#found.kind === 'none' ? { made: 'found', since: new Date().toISOString() } : undefined)
  }

  /** Data just made. `newestTermBefore` undefined: the topology could not be read; the first term read afterwards is filled in. */
  markMade(mark: Omit<OriginMark, 'since' | 'newestTermBefore'> & { readonly newestTermBefore: number | undefined }): Promise<void> {
    const { newestTermBefore, ...rest } = mark
    const term = newestTermBefore === undefined ? {} : { newestTermBefore }
    return this.#change(() => ({ ...rest, since: new Date().toISOString(), ...term }))
  }

  fillNewestTerm(term: number | undefined): Promise<void> {
    return this.#change((mark) => {
      const lacks = mark !== undefined && mark.made !== 'found' && mark.newestTermBefore === undefined
      return lacks && term !== undefined ? { ...mark, newestTermBefore: term } : undefined
    })
  }

  async markServed(what: { readonly attached?: true, readonly promoted?: true }): Promise<void> {
    await this.#add({
      ...(what.attached === true ? { everAttached: true } : {}),
      ...(what.promoted === true ? { everPromoted: true } : {}),
    })
  }

  setClosed(closed: boolean): Promise<void> { return this.#add({ closed }) }
  setDrained(drained: boolean): Promise<void> { return this.#add({ drained }) }

  #add(fields: Partial<OriginMark>): Promise<void> {
    return this.#change((mark) => {
      if (mark === undefined) return undefined
      const known = Object.entries(fields).every(([name, value]) => (mark[name as keyof OriginMark] ?? false) === value)
      return known ? undefined : { ...mark, ...fields }
    })
  }

  /** One after the other: a request may drain while the loop marks that the tablet has served. */
  #change(next: (mark: OriginMark | undefined) => OriginMark | undefined): Promise<void> {
    const changed = this.#lastChange.then(async () => {
      const mark = next(this.#mark)
      if (mark === undefined) return
      await writeOriginMark(this.#dataDir, mark)
      this.#found = { kind: 'mark', mark }
    })
    this.#lastChange = changed.catch(() => undefined)   // its caller hears of it
    return changed
  }
}
