/** The driver's side of its device: calls that block until the relay says that they are done, the device is gone, or it has been silent for too long. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { checkCancel, controlOf } from '../../../core/kernels/control.ts'
import type { Way } from '../../../core/kernels/gpu/adapter.ts'
import { DeviceFault } from '../../../core/kernels/gpu/fault.ts'
import type { DeviceLink } from '../../../core/kernels/gpu/products.ts'
import type { Weights } from '../../../core/kernels/kernels.ts'
import { say } from '../../../core/messages/english.ts'
import { foreign } from '../../../core/messages/text.ts'
import type { DeviceWish, NoDevice, SpawnDevice } from '../messages.ts'
import type { RelayAnswer, SharedPiece, ToRelay } from './relay.ts'
import { cell, newRelayControl, outcome, readText, relayControlOf } from './relay-cells.ts'

export interface OpenDevice extends DeviceLink {
  /** Ends its process or window. */
  close(): void
}

/** A device that has said nothing for so long, though its process would say something five times a second, hangs. */
const PATIENCE_MS = 10_000
/** Starting, with compiling the shaders of its test. */
const OPEN_MS = 300_000
const SLEEP_MS = 50
/**
 * What an operation may take of a device whose process lives and beats: a queue that never ends is waited for by nobody. A hundredth of what the slowest
 * device does, a processor that acts as one, and some minutes for it to be busy with others.
 */
const OPERATION_MS = 180_000
const LEAST_FLOP_PER_MS = 1e5
const LEAST_BYTES_PER_MS = 1e4

export interface LinkOptions {
  readonly wish: DeviceWish
  readonly way: Way
  /** Of the kernels beside it: a cancel ends a wait at once. */
  readonly cancelControl: SharedArrayBuffer
  readonly patienceMs?: number
  readonly operationMs?: number
}

/** A device with what to say to it, or why there is none. */
export async function openDevice(
  spawn: SpawnDevice,
  { wish, way, cancelControl, patienceMs = PATIENCE_MS, operationMs = OPERATION_MS }: LinkOptions,
): Promise<OpenDevice | NoDevice> {
  const control = newRelayControl()
  const { port1: port, port2 } = new MessageChannel()
  spawn({ control, port: port2, wish })
  const answer = await firstAnswer(port)
  if ('failed' in answer) {
    port.close()
    return answer.failed
  }
  port.unref()
  const { cells } = relayControlOf(control)
  const { cells: kernelCells } = controlOf(cancelControl)
  let lastSeq = 0
  let lastId = 0
  /** Where a product comes back; another one after a product that was not waited for. */
  let landing = new SharedArrayBuffer(0)
  const post = (message: ToRelay) => port.postMessage(message)

  function gone(): DeviceFault {
    port.close()
    return new DeviceFault(say('device.gone', { fault: foreign(readText(relayControlOf(control))) }), true)
  }

  function giveUp(ms: number): DeviceFault {
    post('kill')
    return new DeviceFault(say('device.silent', { seconds: Math.round(ms / 1000) }), true)
  }

  /** @param workMs what the work itself may take @throws AppError `cancelled`, DeviceFault */
  function wait(seq: number, { rows, cols }: Pick<Weights, 'rows' | 'cols'>, workMs: number): void {
    let beats = Atomics.load(cells, cell.beats)
    let silentMs = 0
    let waitedMs = 0
    const mostMs = operationMs + workMs
    for (;;) {
      const done = Atomics.load(cells, cell.done)
      if (done === seq) break
      if (Atomics.load(cells, cell.dead) !== 0) throw gone()
      const asleepAt = performance.now()
      Atomics.wait(cells, cell.done, done, SLEEP_MS)
      // A machine that slept was silent for no longer than one turn of this loop.
      const sleptMs = Math.min(performance.now() - asleepAt, 2 * SLEEP_MS)
      silentMs += sleptMs
      waitedMs += sleptMs
      const now = Atomics.load(cells, cell.beats)
      if (now !== beats) silentMs = 0
      beats = now
      if (silentMs > patienceMs) throw giveUp(patienceMs)
      if (waitedMs > mostMs) throw giveUp(mostMs)
      try {
        checkCancel(kernelCells)
      } catch (error) {
        landing = new SharedArrayBuffer(0)
        throw error
      }
    }
    const ended = Atomics.load(cells, cell.outcome)
    if (ended === outcome.noRoom) throw new DeviceFault(say('device.no-room', { rows, cols }), false)
    if (ended === outcome.refused) {
      const fault = foreign(readText(relayControlOf(control)))
      throw new DeviceFault(say('device.refused', { fault }), true)
    }
  }

  const shapes = new Map<number, Weights>()
  const drop = (id: number) => {
    shapes.delete(id)
    post({ drop: id })
  }
  return {
    info: answer.opened,
    way,
    upload: (A) => {
      const id = ++lastId
      const seq = ++lastSeq
      const { rows, cols, dtype, scale } = A
      shapes.set(id, A)
      post({ upload: { op: 'create', id, shape: { rows, cols, dtype, scale } }, seq, bytes: shared(A.data) })
      try {
        wait(seq, A, A.data.byteLength / LEAST_BYTES_PER_MS)
      } catch (error) {
        // Nobody learns its number: half of it would lie there until the device ends.
        drop(id)
        throw error
      }
      return id
    },
    drop,
    multiply: (id, mode, right, k, out, accumulate) => {
      const seq = ++lastSeq
      if (landing.byteLength < out.byteLength) landing = new SharedArrayBuffer(out.byteLength)
      const to = landing
      const pieces = accumulate ? [shared(right), shared(out)] : [shared(right)]
      const lengths = { rightLength: right.length, outLength: out.length }
      post({ multiply: { op: 'multiply', seq, id, mode, k, ...lengths, accumulate }, pieces, to })
      const A = shapes.get(id)!
      wait(seq, A, (2 * A.rows * A.cols * k) / LEAST_FLOP_PER_MS)
      out.set(new Float32Array(to, 0, out.length))
    },
    close: () => {
      post('kill')
      port.close()
    },
  }
}

function firstAnswer(port: MessagePort): Promise<RelayAnswer> {
  return new Promise((resolve) => {
    const settle = (answer: RelayAnswer) => {
      clearTimeout(late)
      port.off('close', ended)
      resolve(answer)
    }
    const ended = () => settle({ failed: { why: 'not-started', fault: 'ERR_CLOSED_MESSAGE_PORT' } })
    const late = setTimeout(() => {
      port.postMessage('kill' satisfies ToRelay)
      settle({ failed: { why: 'late', seconds: OPEN_MS / 1000 } })
    }, OPEN_MS)
    port.once('message', settle)
    port.once('close', ended)
  })
}

/** @throws TypeError for an operand that no other thread can see */
function shared(view: ArrayBufferView): SharedPiece {
  const { buffer, byteOffset, byteLength } = view
  if (!(buffer instanceof SharedArrayBuffer)) throw new TypeError('device: an operand does not lie in shared memory')
  return { buffer, at: byteOffset, byteLength }
}
