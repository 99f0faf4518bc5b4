/** What passes between a device and the engine, through a pipe or a port: a length (u32, little-endian), so many bytes of JSON, and as many raw bytes as its `payload` says. */
import type { DeviceInfo } from '../../../core/kernels/gpu/adapter.ts'
import type { WeightShape } from '../../../core/kernels/gpu/device-kernels.ts'
import type { Mode } from '../../../core/kernels/gpu/wgsl.ts'
import type { DeviceWish, NoDevice } from '../messages.ts'

/** A stream of bytes in both directions, in whatever pieces. */
export interface ByteLink {
  /** What it is given stays as it is until it has been sent. */
  write(bytes: Uint8Array): void
  readonly chunks: AsyncIterable<Uint8Array>
}

export type ToDevice =
  | { readonly op: 'open'; readonly wish: DeviceWish }
  | { readonly op: 'create'; readonly id: number; readonly shape: WeightShape }
  /** Its payload goes to this byte of the matrix. */
  | { readonly op: 'write'; readonly id: number; readonly offset: number }
  /** Answered once all of it is there. */
  | { readonly op: 'created'; readonly seq: number; readonly id: number }
  | { readonly op: 'drop'; readonly id: number }
  /** Payload: `rightLength` values, and where `accumulate` those of the output before. */
  | {
      readonly op: 'multiply'
      readonly seq: number
      readonly id: number
      readonly mode: Mode
      readonly k: number
      readonly rightLength: number
      readonly outLength: number
      readonly accumulate: boolean
    }

export type FromDevice =
  | { readonly opened: DeviceInfo }
  | { readonly failed: NoDevice }
  /** It lives. */
  | { readonly beat: true }
  /** Payload: the product. */
  | { readonly seq: number; readonly fault?: string; readonly outOfMemory?: boolean }
  | { readonly lost: string }

/** Of the JSON of a frame: names and sentences. Who claims more is no device, and would be listened to for ever. */
const mostHeadBytes = 1 << 16

/** A frame with the pieces of its payload. */
export function writeFrame(link: ByteLink, head: ToDevice | FromDevice, ...payload: readonly Uint8Array[]): void {
  link.write(
    frameHead(
      head,
      payload.reduce((sum, { byteLength }) => sum + byteLength, 0),
    ),
  )
  for (const piece of payload) link.write(piece)
}

/** Head and length; the payload follows. */
function frameHead(head: ToDevice | FromDevice, payload: number): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify({ head, payload }))
  const frame = new Uint8Array(4 + json.byteLength)
  new DataView(frame.buffer).setUint32(0, json.byteLength, true)
  frame.set(json, 4)
  return frame
}

/**
 * Frames in order, each after the one before was used up. `place`: where a payload of so many bytes goes; it throws where there may be none
 * of that length. `parse`: what comes from the other side as what it should be. @throws Error where it is not
 */
export async function* readFrames<H>(
  chunks: AsyncIterable<Uint8Array>,
  place: (head: H, byteLength: number) => Uint8Array = (_, byteLength) => new Uint8Array(byteLength),
  parse: (head: unknown) => H = (head) => head as H,
): AsyncGenerator<{ readonly head: H; readonly payload: Uint8Array }> {
  let rest = new Uint8Array(0)
  let open: { readonly head: H; readonly payload: Uint8Array; got: number } | null = null
  for await (const chunk of chunks) {
    let bytes = chunk
    for (;;) {
      if (open) {
        const more = Math.min(bytes.byteLength, open.payload.byteLength - open.got)
        open.payload.set(bytes.subarray(0, more), open.got)
        open.got += more
        bytes = bytes.subarray(more)
        if (open.got < open.payload.byteLength) break
        yield open
        open = null
      }
      rest = rest.byteLength === 0 ? bytes.slice() : concat(rest, bytes)
      bytes = new Uint8Array(0)
      if (rest.byteLength < 4) break
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0, true)
      if (length > mostHeadBytes) throw new Error(`device: a head of ${length} bytes`)
      if (rest.byteLength < 4 + length) break
      const frame = JSON.parse(new TextDecoder().decode(rest.subarray(4, 4 + length))) as {
        readonly head: unknown
        readonly payload: number
      }
      const head = parse(frame.head)
      open = { head, payload: place(head, frame.payload), got: 0 }
      bytes = rest.subarray(4 + length)
      rest = new Uint8Array(0)
    }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.byteLength + b.byteLength)
  whole.set(a)
  whole.set(b, a.byteLength)
  return whole
}
