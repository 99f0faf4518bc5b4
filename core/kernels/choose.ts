/**
 * Which tile computes. The arithmetic class is a feature test; within the fused class, whose tiles give the same bits, an exact comparison
 * and a short benchmark choose between the re-vectorized 6 x 16 and the 128-bit 6 x 8. It lets its thread do other things between portions: the
 * driver's opens a file meanwhile, also where the optimizing compiler has to wait for a processor and every call takes a multiple.
 */

import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { quoted } from '../messages/text.ts'
import type { Params } from '../params.ts'
import type { Instance, TileName, Tiles } from './instance.ts'
import type { Arithmetic } from './kernels.ts'
import type { StackMemory } from './memory.ts'
import { BLOCK_DEPTH, F32 } from './task.ts'

export interface Choice {
  readonly tile: TileName
  readonly arithmetic: Arithmetic
}

/** A block of the benchmark: 48 x 48 is whole in every tile of the class. */
const EDGE = 48
/** Long enough for the optimizing compiler to take over: about 10 ms. */
const WARM_UP_CALLS = 800
const MEASURED_CALLS = 100
const DOUBLE_WARM_UP_CALLS = 200
/** The longest portion. */
const PORTION_MS = 8

/** @throws AppError `bad-request` for a tile the machine lacks. */
export async function chooseTiles(instance: Instance, choice: Params['kernel'], memory: StackMemory): Promise<Choice> {
  const available = instance.fused
  const fused = (tile: TileName): Choice => ({ tile, arithmetic: 'fused' })
  if (choice === 'simd' || (choice === 'auto' && !available)) return { tile: 'simd', arithmetic: 'unfused' }
  if (!available) {
    throw new AppError('bad-request', say('kernel.no-fused', { choice: quoted(choice) }))
  }
  if (choice === 'relaxed') return fused('relaxed')
  const measured = await measure(instance, memory)
  if (!measured.equal) {
    if (choice === 'auto') return fused('relaxed')
    throw new AppError('bad-request', say('kernel.other-bits'))
  }
  if (choice === 'revectorized') return fused('revectorized')
  return fused(measured.wideMs < measured.narrowMs ? 'revectorized' : 'relaxed')
}

async function measure(
  instance: Instance,
  memory: StackMemory,
): Promise<{ equal: boolean; wideMs: number; narrowMs: number }> {
  const mark = memory.mark()
  try {
    const operands = memory.allocate(2 * EDGE * BLOCK_DEPTH * 4)
    const values = new Float32Array(memory.buffer(), operands, 2 * EDGE * BLOCK_DEPTH)
    for (let i = 0; i < values.length; i++) values[i] = ((i * 7919) % 1009) / 1009 - 0.5
    const a = operands
    const b = operands + EDGE * BLOCK_DEPTH * 4
    const packed = memory.allocate(EDGE * BLOCK_DEPTH * 4)
    const wide = await run(instance, instance.tiles.revectorized!, a, b, packed, memory)
    const narrow = await run(instance, instance.tiles.relaxed!, a, b, packed, memory)
    const equal = wide.bits.every((bits, i) => bits === narrow.bits[i])
    return { equal, wideMs: wide.elapsedMs, narrowMs: narrow.elapsedMs }
  } finally {
    memory.release(mark)
  }
}

async function run(
  instance: Instance,
  tiles: Tiles,
  a: number,
  b: number,
  packed: number,
  memory: StackMemory,
): Promise<{ bits: number[]; elapsedMs: number }> {
  const mark = memory.mark()
  const c = memory.allocate(EDGE * EDGE * 4)
  instance.common.packPanels(b, EDGE * 4, F32, 1, EDGE, BLOCK_DEPTH, tiles.cols, packed)
  const row = BLOCK_DEPTH * 4
  const once = (add: number) =>
    tiles.block(a, tiles.rows * row, row, 4, packed, c, EDGE * 4, EDGE, EDGE, BLOCK_DEPTH, add, 0)
  await inPortions(WARM_UP_CALLS, () => once(0))
  let elapsedMs = Number.POSITIVE_INFINITY
  for (let repeat = 0; repeat < 5; repeat++) {
    const start = performance.now()
    for (let i = 0; i < MEASURED_CALLS / 5; i++) once(0)
    elapsedMs = Math.min(elapsedMs, performance.now() - start)
  }
  once(1)
  const bits = [...new Uint32Array(memory.buffer(), c, EDGE * EDGE)]
  // The float64 tile of the choice must agree too: the same panels of 24 on both sides, 48 columns by 48.
  const panels = memory.allocate(EDGE * BLOCK_DEPTH * 8)
  const d = memory.allocate(EDGE * EDGE * 8)
  instance.common.packColumnsDouble(b, EDGE * 4, 0, 1, EDGE, BLOCK_DEPTH, panels)
  await inPortions(DOUBLE_WARM_UP_CALLS, (i) =>
    tiles.doubleBlock(panels, panels, d, EDGE * 8, EDGE, EDGE, BLOCK_DEPTH, i === 0 ? 0 : 1, EDGE, 0),
  )
  bits.push(...new Uint32Array(memory.buffer(), d, 2 * EDGE * EDGE))
  memory.release(mark)
  return { bits, elapsedMs }
}

async function inPortions(calls: number, call: (i: number) => void): Promise<void> {
  let end = performance.now() + PORTION_MS
  for (let i = 0; i < calls; i++) {
    call(i)
    if (performance.now() < end) continue
    await new Promise((resolve) => setTimeout(resolve))
    end = performance.now() + PORTION_MS
  }
}
