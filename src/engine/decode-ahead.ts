/** Decodes pieces of an object ahead of whoever takes them, as far as there is room, which all objects of an operation share. */
import type { StageListener } from '../model/stage.ts'
import type { Room } from './room.ts'

type Content = AsyncGenerator<Buffer, void, undefined>

export interface DecodeAhead extends AsyncDisposable {
  /** Begins to decode as soon as there is room for `bytes` (stored and decoded), and yields what is done of those before until then. */
  begin(bytes: number, decode: () => Promise<Buffer>): Content
  /** What is left of what was begun. */
  rest(): Content
}

/** `onStage` hears of each piece, from when it is begun until it is decoded. */
export function decodeAhead(room: Room, onStage?: StageListener): DecodeAhead {
  const running: { readonly content: Promise<Buffer>, readonly bytes: number }[] = []
  async function* first(): Content {
    const { content, bytes } = running[0] as (typeof running)[number]
    yield await content
    running.shift()   // whoever took it has asked for more, so has done with it
    room.give(bytes)
  }
  return {
    async* begin(bytes, decode) {
      while (!room.tryTake(bytes)) {
        if (running.length > 0) {
          yield* first()
        } else {
          await room.take(bytes)
          break
        }
      }
      const content = timed(decode, onStage)
      content.catch(() => undefined)   // its turn to be thrown comes when it is yielded
      running.push({ content, bytes })
    },
    async* rest() {
      while (running.length > 0) yield* first()
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(running.map(({ content }) => content))
      for (const { bytes } of running) room.give(bytes)
    },
  }
}

async function timed(decode: () => Promise<Buffer>, onStage: StageListener | undefined): Promise<Buffer> {
  const began = performance.now()
  const content = await decode()
  onStage?.('decompress', content.length, (performance.now() - began) / 1000)
  return content
}
