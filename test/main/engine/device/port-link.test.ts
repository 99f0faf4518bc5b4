/** Bytes over a port: in order, out of shared memory, and never more under way than the other end has taken. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { readFrames, writeFrame } from '../../../../main/engine/device/frames.ts'
import { type BytePort, portLink } from '../../../../main/engine/device/port-link.ts'

function bytePort(port: MessagePort, posted: (message: Uint8Array | null) => void = () => {}): BytePort {
  return {
    post: (message) => {
      posted(message)
      port.postMessage(message)
    },
    onMessage: (listener) => void port.on('message', listener),
  }
}

it('carries frames written before it was connected, a few pieces at a time', async () => {
  const { port1, port2 } = new MessageChannel()
  const [near, far] = [portLink(), portLink()]
  const matrix = new Uint8Array(new SharedArrayBuffer(40 << 20), 12).fill(7)
  matrix[matrix.length - 1] = 9
  writeFrame(near, { op: 'write', id: 1, offset: 0 }, matrix)
  writeFrame(near, { op: 'drop', id: 1 })
  let posted = 0
  let taken = 0
  let most = 0
  near.connect(
    bytePort(port1, () => {
      most = Math.max(most, ++posted - taken)
    }),
  )
  port1.on('message', () => taken++)
  far.connect(bytePort(port2))
  const frames = readFrames(far.chunks)
  const first = (await frames.next()).value!
  expect(first.head).toEqual({ op: 'write', id: 1, offset: 0 })
  expect(first.payload.byteLength).toBe(matrix.byteLength)
  expect(Buffer.compare(first.payload, matrix)).toBe(0)
  expect((await frames.next()).value!.head).toEqual({ op: 'drop', id: 1 })
  expect(posted).toBeGreaterThan(40)
  expect(most).toBeLessThanOrEqual(9)
  port1.close()
})
