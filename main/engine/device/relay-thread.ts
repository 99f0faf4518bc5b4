/**
 * The thread between a driver and its device's process. The driver blocks while it waits and hears of no event; this one is free: it reads what is to
 * be sent from the driver's shared memory, writes what comes back into shared memory, and wakes the driver. Results go to a buffer of their own, so that a
 * driver that has given up on one may use its memory for something else.
 *
 * The process is killed when the driver says so, or when the driver's end of the port is gone.
 */
import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import type { DeviceStart } from '../messages.ts'
import { type FromDevice, frameHead, readFrames, type ToDevice } from './frames.ts'
import { cell, outcome, relayControlOf, writeText } from './relay-cells.ts'

export interface RelayInit extends DeviceStart {
  /** The device's program. */
  readonly entry: string
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

export function serveRelay({ control, port, wish, entry }: RelayInit): void {
  const shared = relayControlOf(control)
  const { cells } = shared
  const child = spawn(process.execPath, [fileURLToPath(entry)], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  parentPort?.postMessage({ pid: child.pid })
  const pipe = child.stdio[3] as Duplex
  let answered = false
  /** Where products go that are under way, by number: several where the driver has given up on one. */
  const targets = new Map<number, SharedArrayBuffer>()

  const answer = (message: RelayAnswer) => {
    answered = true
    port.postMessage(message)
  }
  const die = (fault: string) => {
    if (!answered) answer({ failed: { why: 'not-started', fault } })
    if (Atomics.load(cells, cell.dead) !== 0) return
    writeText(shared, fault)
    Atomics.store(cells, cell.dead, 1)
    Atomics.notify(cells, cell.done)
  }
  const kill = () => {
    child.kill('SIGKILL')
  }
  child.on('error', (error) => die(error.message))
  child.on('exit', (code, signal) => {
    parentPort?.postMessage({ ended: true })
    die(signal ?? `status ${code}`)
    port.close()
  })
  pipe.on('error', () => {})
  port.on('close', kill)

  const send = (head: ToDevice, pieces: readonly SharedPiece[] = []) => {
    pipe.write(
      frameHead(
        head,
        pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
      ),
    )
    for (const { buffer, at, byteLength } of pieces)
      for (let start = 0; start < byteLength; start += PIECE_BYTES)
        pipe.write(new Uint8Array(buffer, at + start, Math.min(PIECE_BYTES, byteLength - start)))
  }

  port.on('message', (message: ToRelay) => {
    if (message === 'kill') return kill()
    if ('drop' in message) return send({ op: 'drop', id: message.drop })
    if ('multiply' in message) {
      targets.set(message.multiply.seq, message.to)
      return send(message.multiply, message.pieces)
    }
    const { upload, seq, bytes } = message
    send(upload)
    const { id } = upload
    for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
      const byteLength = Math.min(PIECE_BYTES, bytes.byteLength - offset)
      send({ op: 'write', id, offset }, [{ buffer: bytes.buffer, at: bytes.at + offset, byteLength }])
    }
    send({ op: 'created', seq, id })
  })

  void hear().catch(() => {})
  send({ op: 'open', wish })

  async function hear(): Promise<void> {
    const place = (head: FromDevice, byteLength: number) => {
      const target = 'seq' in head ? targets.get(head.seq) : undefined
      return target && byteLength > 0 ? new Uint8Array(target, 0, byteLength) : new Uint8Array(byteLength)
    }
    for await (const { head } of readFrames<FromDevice>(pipe, place)) {
      Atomics.add(cells, cell.beats, 1)
      if ('opened' in head || 'failed' in head) answer(head)
      else if ('lost' in head) {
        die(head.lost)
        kill()
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
