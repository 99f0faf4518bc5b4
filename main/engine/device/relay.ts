/**
 * What stands between a driver and its device. The driver blocks while it waits and hears of no event; this runs where events are heard: in a thread of its own
 * beside a process (relay.ts above), on the engine's event loop beside a window, whose port no thread can have. It reads what is to be sent from the driver's
 * shared memory, writes what comes back into shared memory, and wakes the driver. Results go to a buffer of their own, so that a driver that has given up
 * on one may use its memory for something else.
 *
 * The device is killed when the driver says so, or when the driver's end of the port is gone.
 */
import { z } from 'zod'
import type { DeviceStart, NoDevice } from '../messages.ts'
import { type ByteLink, type FromDevice, readFrames, type ToDevice, writeFrame } from './frames.ts'
import { cell, markDead, outcome, relayControlOf, writeText } from './relay-cells.ts'
import { parseReply } from './replies.ts'

/** A process or a window that serves a device. */
export interface FarDevice extends ByteLink {
  kill(): void
  /** Told once it can answer no more, perhaps twice. */
  onEnd(listener: (why: NoDevice) => void): void
}

/** Bytes of shared memory. */
export interface SharedPiece {
  readonly buffer: SharedArrayBuffer
  readonly at: number
  readonly byteLength: number
}

export type ToRelay =
  | 'kill'
  /** A matrix: created, written in pieces, answered. */
  | { readonly upload: Extract<ToDevice, { op: 'create' }>; readonly seq: number; readonly bytes: SharedPiece }
  | { readonly drop: number }
  | {
      readonly multiply: Extract<ToDevice, { op: 'multiply' }>
      readonly pieces: readonly SharedPiece[]
      readonly to: SharedArrayBuffer
    }

/** The first and only thing a driver hears over its port. */
export type RelayAnswer = Extract<FromDevice, { opened: unknown } | { failed: unknown }>

const PIECE_BYTES = 4 << 20

export function serveRelay({ control, port, wish }: DeviceStart, device: FarDevice): void {
  const shared = relayControlOf(control)
  const { cells } = shared
  let answered = false
  /** Where the answers go that are outstanding, by number: several where the driver has given up on one. */
  const targets = new Map<number, Uint8Array>()

  const answer = (message: RelayAnswer) => {
    answered = true
    port.postMessage(message)
  }
  const die = (why: NoDevice) => {
    if (!answered) answer({ failed: why })
    markDead(shared, 'fault' in why ? why.fault : why.why)
  }
  device.onEnd((why) => {
    die(why)
    port.close()
  })
  port.on('close', device.kill)

  const send = (head: ToDevice, pieces: readonly SharedPiece[] = []) =>
    writeFrame(device, head, ...pieces.flatMap(inPieces))

  port.on('message', (message: ToRelay) => {
    if (message === 'kill') return device.kill()
    if ('drop' in message) return send({ op: 'drop', id: message.drop })
    if ('multiply' in message) {
      const { seq, outLength } = message.multiply
      targets.set(seq, new Uint8Array(message.to, 0, 4 * outLength))
      return send(message.multiply, message.pieces)
    }
    const { upload, seq, bytes } = message
    targets.set(seq, new Uint8Array(0))
    send(upload)
    const { id } = upload
    for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
      const byteLength = Math.min(PIECE_BYTES, bytes.byteLength - offset)
      send({ op: 'write', id, offset }, [{ buffer: bytes.buffer, at: bytes.at + offset, byteLength }])
    }
    send({ op: 'created', seq, id })
  })

  // Whoever answers what nobody asked, or nothing any more, is killed: its silence would be waited for.
  void hear()
    .catch((error: unknown) => {
      const fault = error instanceof z.ZodError ? `${error.name} ${error.issues[0]?.code}` : String(error)
      die({ why: 'not-started', fault })
    })
    .finally(device.kill)
  send({ op: 'open', wish })

  async function hear(): Promise<void> {
    const place = (head: FromDevice, byteLength: number) => {
      const target = 'seq' in head ? targets.get(head.seq) : new Uint8Array(0)
      const expected = 'seq' in head && head.fault !== undefined ? 0 : target?.byteLength
      if (byteLength !== expected) throw new Error(`an answer of ${byteLength} bytes that nobody asked for`)
      return target!.subarray(0, byteLength)
    }
    for await (const { head } of readFrames(device.chunks, place, parseReply)) {
      Atomics.add(cells, cell.beats, 1)
      if ('opened' in head || 'failed' in head) {
        if (answered) throw new Error('a second answer to one question')
        answer(head)
      } else if ('lost' in head) {
        die({ why: 'not-started', fault: head.lost })
        return
      } else if ('seq' in head) {
        targets.delete(head.seq)
        if (head.fault !== undefined) writeText(shared, head.fault)
        const ended = head.fault === undefined ? outcome.done : head.outOfMemory ? outcome.noRoom : outcome.refused
        Atomics.store(cells, cell.outcome, ended)
        Atomics.store(cells, cell.done, head.seq)
        Atomics.notify(cells, cell.done)
      }
    }
  }
}

function inPieces({ buffer, at, byteLength }: SharedPiece): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let start = 0; start < byteLength; start += PIECE_BYTES)
    pieces.push(new Uint8Array(buffer, at + start, Math.min(PIECE_BYTES, byteLength - start)))
  return pieces
}
