/**
 * Which matrices a device gets by itself (`--device auto`): a fixed function of shape, sketch, dtype and kind of adapter, so that bytes depend on no
 * timing. It reckons one factorization on a processor of some four cores, and on the device with what remains on the processor, in seconds.
 *
 * Rates are those of data sheets, half of whose peak a tile of this kind reaches, and not fitted to the one card that was measured (docs/performance.md), which
 * agrees where the rule begins: beside four cores it gained 1.2 times at 4096 with 42 columns, the way of the weights included, and 1.8 with 138.
 *
 * Legend: A m x n, k sketch columns.
 */
import type { SketchShape } from '../kernels.ts'
import { type AdapterKind, isHardware, type Way } from './adapter.ts'
import { bytesPerWeight } from './device-kernels.ts'

interface Rates {
  /** f32 flop a second that a tile reaches. */
  readonly flop: number
  /** Bytes a second to and from the device. */
  readonly bytes: number
}

/** Vulkan, Metal and D3D alike: a card of 10 TF on PCIe 3, and a chip's own of 2 TF at the memory's speed. */
const device: Readonly<Record<'discrete' | 'integrated' | 'unknown', Rates>> = {
  discrete: { flop: 5e12, bytes: 12e9 },
  integrated: { flop: 1e12, bytes: 12e9 },
  unknown: { flop: 1e12, bytes: 12e9 },
}
/** f32 products and f64 sums a second, of four cores with 256-bit vectors. */
const processor = { flop: 300e9, double: 100e9 } as const
/** Bytes a second to the device's process or window, where they are copied four times; seconds an operation takes before it begins. */
const ways: Readonly<Record<Way, { readonly bytes: number; readonly seconds: number }>> = {
  pipe: { bytes: 3e9, seconds: 1e-3 },
  port: { bytes: 4e8, seconds: 2e-3 },
}
/** What it has to gain: an estimate may be off by a third. */
const leastGain = 1.3

/** Whether a device of this kind is expected to be so much faster that it is worth it. Never one that is, or may be, of software. */
export function pays(kind: AdapterKind, way: Way, shape: SketchShape): boolean {
  return isHardware(kind) && gain(device[kind], ways[way], shape) >= leastGain
}

/** Whether any device could be: whoever has no such matrix need not look for one. */
export function mayPay(way: Way, shape: SketchShape): boolean {
  return pays('discrete', way, shape)
}

function gain(
  rates: Rates,
  way: (typeof ways)[Way],
  { rows: m, cols: n, dtype, columns: k, products }: SketchShape,
): number {
  const flop = 2 * m * n * k
  // One of X and Y goes up, the other comes down.
  const moved = 4 * (m + n) * k
  const across = (bytes: number) => bytes / rates.bytes + bytes / way.bytes
  const onDevice = across(m * n * bytesPerWeight[dtype]) + products * (flop / rates.flop + across(moved) + way.seconds)
  const onProcessor = (products * flop) / processor.flop
  // Gram matrices in f64, triangular products, and k x k problems, on the processor either way.
  const passes = products / 2 + 1
  const rest =
    (passes * (m + n) * k ** 2) / processor.double +
    (2 * passes * m * k ** 2) / processor.flop +
    k ** 3 / processor.double
  // Two products of one column, which takes a tile's 16, and 4 (m + n) k operations of one thread a product.
  const guard = (2 * 2 * 16 * m * n) / processor.flop + (products * 4 * (m + n) * k) / 1e9
  return (onProcessor + rest) / (onDevice + guard + rest)
}
