import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type EngineApi,
  engineArguments,
  engineCrossings,
  type FileReport,
  type TensorReport,
} from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import type { Port } from '../../core/port.ts'
import { connectApi, serveApi } from '../../core/rpc.ts'
import { someWords } from './messages/words.ts'

interface Api {
  half(value: number): Promise<number>
  fail(): Promise<void>
}
interface Events {
  tick(count: number): void
}

const open: MessagePort[] = []
afterEach(() => {
  for (const port of open.splice(0)) port.close()
})

function channel(): { near: Port; far: Port } {
  const { port1, port2 } = new MessageChannel()
  open.push(port1, port2)
  return { near: port1 as unknown as Port, far: port2 as unknown as Port }
}

describe('rpc', () => {
  const implementation = {
    half: async (value: number) => value / 2,
    fail: async () => {
      throw new AppError('over-limit', someWords('too much'), { got: 3 })
    },
  }
  const schemas = { half: z.tuple([z.number()]), fail: z.tuple([]) }

  it('answers, refuses what does not parse, and carries an AppError across', async () => {
    const { near, far } = channel()
    serveApi<Api, Events>(far, implementation, schemas)
    const api = connectApi<Api, Events>(near, { tick: () => {} })
    expect(await api.half(8)).toBe(4)
    await expect(api.half('8' as never)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.fail()).rejects.toMatchObject({ code: 'over-limit', message: 'too much', details: { got: 3 } })
  })

  it('delivers events', async () => {
    const { near, far } = channel()
    const events = serveApi<Api, Events>(far, implementation, schemas)
    const seen = new Promise((resolve) => connectApi<Api, Events>(near, { tick: resolve }))
    events.tick(7)
    expect(await seen).toBe(7)
  })

  it('rejects calls once the port is closed', async () => {
    const { near, far } = channel()
    const api = connectApi<Api, Events>(near, { tick: () => {} })
    const pending = api.half(1)
    far.close()
    await expect(pending).rejects.toMatchObject({ code: 'engine-died' })
    await expect(api.half(1)).rejects.toMatchObject({ code: 'engine-died' })
  })

  it('rejects what was asked of a lost far side with the reason, and reaches its successor', async () => {
    const { near, far } = channel()
    const api = connectApi<Api, Events>(near, { tick: () => {} })
    const pending = api.half(1)
    far.postMessage({ lost: someWords('The engine was killed.') })
    await expect(pending).rejects.toMatchObject({ code: 'engine-died', message: 'The engine was killed.' })
    serveApi<Api, Events>(far, implementation, schemas)
    expect(await api.half(3)).toBe(1.5)
  })

  it.each([null, 'text', 7, {}, { t: 'x' }, { t: 'q' }, { t: 'q', m: 'constructor', a: [], i: 'a' }, { t: 's' }, []])(
    'survives the hostile message %j',
    async (message) => {
      const { near, far } = channel()
      serveApi<Api, Events>(far, implementation, schemas)
      near.postMessage(message)
      const api = connectApi<Api, Events>(near, { tick: () => {} })
      expect(await api.half(2)).toBe(1)
    },
  )

  it('sends what is said of many tensors once, and answers with it beside each', async () => {
    const { near, far } = channel()
    const [grows, kept] = [someWords('It would grow.'), someWords('It is a bias.')]
    const tensor = (i: number): TensorReport => ({
      ...{ name: `layers.${i}.weight`, dtype: 'F32', shape: [64, 64], byteLength: 16384 },
      ...{ matrix: [64, 64], kind: 'linear', plan: 'keep', reason: i % 3 === 0 ? kept : grows },
    })
    const report: FileReport = {
      ...{ fileId: 'a', name: 'x', format: 'npy', safety: 'safe', totalBytes: 0, notices: [] },
      tensors: Array.from({ length: 9 }, (_, i) => tensor(i)),
    }
    const engine = { open: async () => report } as unknown as EngineApi
    serveApi<EngineApi, object>(far, engine, engineArguments, engineCrossings)
    const sent: string[] = []
    const asText: Port = {
      ...{ postMessage: (message) => near.postMessage(message), close: () => near.close() },
      on: (event: 'message' | 'close', listener: (message: unknown) => void) =>
        event === 'close'
          ? near.on(event, listener as () => void)
          : near.on(event, (message) => {
              sent.push(JSON.stringify(message))
              listener(JSON.parse(sent.at(-1)!))
            }),
    }
    const got = await connectApi<EngineApi, object>(asText, {}, { crossings: engineCrossings }).open('a')
    expect(got).toEqual(report)
    expect(sent[0]!.split('It would grow.')).toHaveLength(2)
    expect(got.tensors[2]!.reason).toBe(got.tensors[1]!.reason)
  })
})
