/** A deflated member of a zip archive as a source: inflated forward, in pieces of at most what one window of it gives; a range behind the last one begins again. */
import { AppError } from '../../errors.ts'
import type { ByteSource } from '../../io.ts'
import { countUnpacked } from '../reading/header-source.ts'
import { readRange } from '../reading/range.ts'
import { badFile } from '../reading/refusal.ts'
import { crc32 } from './crc32.ts'

const packedWindow = 1 << 17

interface Deflated {
  /** Bytes when unpacked. */
  readonly byteLength: number
  readonly packedLength: number
  readonly crc: number
}

/** @param start where its bytes begin in `source` */
export function inflatedSource(source: ByteSource, name: string, member: Deflated, start: number): ByteSource {
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  /** Bytes before `piece` and the checksum of everything up to its end. */
  let position = 0
  let piece: Uint8Array = new Uint8Array(0)
  let checksum = 0
  let last = Promise.resolve()

  const restart = () => {
    position = 0
    piece = new Uint8Array(0)
    checksum = 0
    let packed = 0
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          const end = Math.min(packed + packedWindow, member.packedLength)
          if (packed < end)
            controller.enqueue((await readRange(source, start + packed, start + end, name)) as Uint8Array<ArrayBuffer>)
          packed = end
          if (packed === member.packedLength) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    reader = stream.pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  }
  const nextPiece = async () => {
    position += piece.byteLength
    piece = new Uint8Array(0)
    let result: ReadableStreamReadResult<Uint8Array>
    try {
      result = await reader!.read()
    } catch (error) {
      if (error instanceof AppError) throw error
      throw badFile(name, 'deflated data', `data that cannot be inflated after ${position} bytes`)
    }
    if (result.done) throw badFile(name, `${member.byteLength} bytes`, `${position} when unpacked`)
    piece = result.value
    countUnpacked(source, piece.byteLength)
    checksum = crc32(piece, checksum)
    if (position + piece.byteLength > member.byteLength)
      throw badFile(name, `${member.byteLength} bytes`, 'more when unpacked: its size is a lie')
    if (position + piece.byteLength === member.byteLength && checksum !== member.crc)
      throw badFile(name, `the checksum ${hex(member.crc)}`, hex(checksum))
  }
  const slice = async (from: number, to: number): Promise<Uint8Array> => {
    if (to > member.byteLength || from > to) throw new RangeError(`${name}: ${from}..${to}`)
    if (reader === null || from < position) restart()
    const out = new Uint8Array(to - from)
    for (let at = from; at < to; ) {
      while (at >= position + piece.byteLength) await nextPiece()
      const part = piece.subarray(at - position, to - position)
      out.set(part, at - from)
      at += part.byteLength
    }
    return out
  }
  return {
    name,
    byteLength: member.byteLength,
    // One reader, so one read at a time.
    slice: (from, to) => {
      const result = last.then(() => slice(from, to))
      last = result.then(
        () => {},
        () => {
          reader = null
        },
      )
      return result
    },
    close: async () => {
      await last
      // A stream that failed behind the bytes that were asked for rejects here; those bytes were good.
      await reader?.cancel().catch(() => {})
      reader = null
    },
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
