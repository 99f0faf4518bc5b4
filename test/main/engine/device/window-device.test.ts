/** A device's window as its engine has it: asked for, believed only what it was asked, and given back. Ports of node stand in for Electron's. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { newControl } from '../../../../core/kernels/control.ts'
import { openDevice } from '../../../../main/engine/device/device-link.ts'
import { type ByteLink, readFrames, type ToDevice, writeFrame } from '../../../../main/engine/device/frames.ts'
import { portLink } from '../../../../main/engine/device/port-link.ts'
import { windowSpawner } from '../../../../main/engine/device/window-device.ts'
import type { FromEngine, ToEngine } from '../../../../main/engine/messages.ts'

/** An engine that asks for a window, and main, which gives the engine one end of a port and `window` the other. */
function openBy(window: (port: MessagePort, toEngine: (message: ToEngine) => void) => unknown) {
  const asked: FromEngine[] = []
  let toEngine: (message: ToEngine, ports: readonly unknown[]) => void = () => {}
  const spawn = windowSpawner({
    postMessage: (message) => {
      asked.push(message)
      if (message.type !== 'device') return
      const { port1, port2 } = new MessageChannel()
      const { device } = message
      const electronPort = {
        postMessage: (piece: unknown) => port1.postMessage(piece),
        on: (_: 'message', listener: (event: { data: unknown }) => void) =>
          void port1.on('message', (data) => listener({ data })),
        start: () => {},
        close: () => port1.close(),
      }
      window(port2, (said) => toEngine(said, []))
      setImmediate(() => toEngine({ type: 'device-port', device }, [electronPort]))
    },
    on: (_, listener) => {
      toEngine = listener
    },
  })
  const wish = { name: null, software: true } as const
  return { asked, found: openDevice(spawn, { wish, way: 'port', cancelControl: newControl() }) }
}

/** What serves as a window over its port. */
function linkOn(port: MessagePort): ByteLink {
  const link = portLink()
  link.connect({
    post: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on('message', listener),
  })
  return link
}

const info = { name: 'a window', driver: 'Chromium 1', kind: 'discrete', bufferBytes: 2 ** 28 } as const

it('tells it the wish, hears what it is, and asks main to end it', async () => {
  const heard: ToDevice[] = []
  const { asked, found } = openBy(async (port) => {
    const link = linkOn(port)
    for await (const { head } of readFrames<ToDevice>(link.chunks)) {
      heard.push(head)
      writeFrame(link, { opened: info })
    }
  })
  const link = await found
  if ('why' in link) throw new Error(JSON.stringify(link))
  expect(link).toMatchObject({ info, way: 'port' })
  expect(heard).toEqual([{ op: 'open', wish: { name: null, software: true } }])
  link.close()
  await expect.poll(() => asked.map(({ type }) => type)).toContain('device-end')
})

it.each([
  ['no bytes', { of: 'an object' }],
  ['text', 'opened'],
  ['nothing', undefined],
  ['a head of 4 GB', new Uint8Array(8).fill(255)],
])('one that says %s is none, or waited for', async (what, said) => {
  const { asked, found } = openBy((port, toEngine) => {
    port.on('message', () => {
      port.postMessage(said)
      // An acknowledgment of nothing is no answer: main says when the window has ended.
      if (what === 'nothing')
        toEngine({ type: 'device-ended', device: 1, why: { why: 'not-started', fault: 'closed' } })
    })
  })
  expect(await found).toMatchObject({ why: 'not-started' })
  if (what !== 'nothing') await expect.poll(() => asked.map(({ type }) => type)).toContain('device-end')
})

it('hears from main why there is none', async () => {
  const { found } = openBy((_, toEngine) =>
    setImmediate(() => toEngine({ type: 'device-ended', device: 1, why: { why: 'next-start' } })),
  )
  expect(await found).toEqual({ why: 'next-start' })
})
