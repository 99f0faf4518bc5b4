/**
 * A folder that is swapped for a link to another one and back, as fast as it goes, while a page lists it, opens what is in it, has it handed
 * out and writes into it. Nothing outside is ever seen, written or removed, and what is inside stays.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { StressedHost } from './hosts.ts'

export interface SwapAttack {
  readonly rounds: number
  /** How often what was swapped was still used as it should be, and how often it was refused. */
  readonly used: number
  readonly refused: number
}

/** One matrix of 8 x 8, called `name`. */
function model(name: string): Buffer {
  const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'F32', shape: [8, 8], data_offsets: [0, 256] } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  return Buffer.concat([length, header, Buffer.from(Float32Array.from({ length: 64 }, (_, i) => i % 7).buffer)])
}

/** Its own thread: swaps must fall between any two steps of the host. */
const swapper = `
const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
const { workerData: { sub, moved, outside, stop } } = require('node:worker_threads')
const flag = new Int32Array(stop)
while (Atomics.load(flag, 0) === 0) {
  renameSync(sub, moved); symlinkSync(outside, sub)
  Atomics.wait(flag, 0, 0, 2 * Math.random())
  unlinkSync(sub); renameSync(moved, sub)
  Atomics.wait(flag, 0, 0, 4 * Math.random())
}`

/** @param served the folder that the host serves @param home where nothing is served @throws where anything outside was reached */
export async function attackWithSwaps(
  host: StressedHost,
  served: string,
  home: string,
  rounds: number,
): Promise<SwapAttack> {
  const [sub, moved, outside] = [join(served, 'sub'), join(served, '.moved'), join(home, 'outside')]
  for (const folder of [sub, outside]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(sub, 'a.safetensors'), model('open'))
  writeFileSync(join(outside, 'a.safetensors'), model('secret'))
  writeFileSync(join(outside, 'thesis.txt'), 'precious')
  const page = await host.bystander()
  const [root] = await page.host.listFolder(null)
  const subGrant = (await page.host.listFolder(root!.grant.id)).find(({ grant }) => grant.name === 'sub')!.grant
  const file = (await page.host.listFolder(subGrant.id)).find(({ grant }) => grant.name === 'a.safetensors')!.grant
  const stop = new SharedArrayBuffer(4)
  const thread = new Worker(swapper, { eval: true, workerData: { sub, moved, outside, stop } })
  const seen = { rounds: 0, used: 0, refused: 0 }
  const uses: (() => Promise<string>)[] = [
    async () => JSON.stringify((await page.engine.api.open(file.id)).tensors),
    async () => JSON.stringify((await page.engine.api.open(subGrant.id)).tensors),
    async () => JSON.stringify(await page.host.listFolder(subGrant.id)),
    async () => {
      const reply = await fetch(`${page.origin}/download?file=${file.id}`, { headers: { cookie: page.cookie } })
      if (reply.status !== 200) throw new Error(String(reply.status))
      return Buffer.from(await reply.arrayBuffer()).toString('latin1')
    },
    async () => {
      const target = await page.host.createTarget(subGrant.id, `out-${seen.rounds}.safetensors`)
      await page.engine.run({ kind: 'sample', target: target.id, layers: 1, hidden: 8, dtype: 'F32', seed: 1 })
      return 'written'
    },
  ]
  try {
    for (; seen.rounds < rounds; seen.rounds++) {
      try {
        const what = await uses[seen.rounds % uses.length]!()
        if (/secret|thesis/.test(what)) throw new Error(`LEAKED: ${what.slice(0, 200)}`)
        seen.used++
      } catch (error) {
        if (String(error).includes('LEAKED')) throw error
        seen.refused++
      }
      const there = readdirSync(outside).sort().join()
      if (there !== 'a.safetensors,thesis.txt') throw new Error(`LEAKED: outside has ${there}`)
    }
  } finally {
    Atomics.store(new Int32Array(stop), 0, 1)
    Atomics.notify(new Int32Array(stop), 0)
    await new Promise((resolve) => thread.on('exit', resolve))
    await page.close()
  }
  if (!readdirSync(sub).includes('a.safetensors')) throw new Error('what is inside was lost')
  return seen
}
