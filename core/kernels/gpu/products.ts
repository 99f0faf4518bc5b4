/**
 * Kernels beside which a device makes products. `gemm` and `gemmTransposed` of a matrix that the device takes go there, its weights once; all
 * else - Gram matrices, orthonormalization, the residual that proves what was written - stays where it was.
 *
 * The device is reached through a `DeviceLink`, whose calls block as those of kernels do. Every product that comes back is held against the guard (guard.ts);
 * a device that is caught, lost or silent ends the matrix with a DeviceFault and is not used again.
 */
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign } from '../../messages/text.ts'
import type { Kernels, Matrix, ProductDevice, SketchShape, Weights } from '../kernels.ts'
import { arithmeticWith, type DeviceInfo, deviceName, type Way } from './adapter.ts'
import { pays } from './cost.ts'
import { bytesPerWeight } from './device-kernels.ts'
import { DeviceFault } from './fault.ts'
import { alarm, columnSums, isFault, type MatrixSums, signs } from './guard.ts'
import { CHUNK, type Mode, TILE } from './wgsl.ts'

/** A device on the other side of a process or a window. Each call throws DeviceFault, or AppError `cancelled`. */
export interface DeviceLink {
  readonly info: DeviceInfo
  readonly way: Way
  /** Weights to the device, at their own precision: a number to speak of them by. */
  upload(A: Weights): number
  drop(id: number): void
  /** out <- A right or At right, or out + At right with `accumulate`. */
  multiply(id: number, mode: Mode, right: Float32Array, k: number, out: Float32Array, accumulate: boolean): void
}

/** Below this, subnormal entries are not far enough from the largest: 2^-126 is 2^-26 of it. */
const LEAST_MAGNITUDE = 2 ** -100
/** Groups of a dispatch in one direction. */
const MOST_ROWS = 65535 * TILE

/** `asked`: the device was named by the user, so it gets whatever it can hold, and its failure is told. */
export function withDevice(kernels: Kernels, link: DeviceLink, asked: boolean): Kernels {
  const { info, way } = link
  const said: Message[] = []
  let failed = false
  let held: {
    readonly weights: Weights
    readonly id: number
    readonly sums: MatrixSums
    readonly mark: number
  } | null = null

  function drop(): void {
    const gone = held
    held = null
    if (gone && !failed) link.drop(gone.id)
  }

  function hold(weights: Weights, mark: number): NonNullable<typeof held> {
    if (held?.weights === weights) return held
    drop()
    const id = link.upload(weights)
    held = { weights, id, sums: sumsOf(kernels, weights), mark }
    return held
  }

  function multiply(A: Weights, mode: Mode, right: Matrix, out: Matrix, accumulate: boolean, mark: number): void {
    const { id, sums } = hold(A, mark)
    const before = accumulate ? { values: out.data.slice(), sums: columnSums(kernels, sums.colSigns, out) } : null
    link.multiply(id, mode, right.data, right.cols, out.data, accumulate)
    const made = { mode, right, out, before }
    const column = alarm(kernels, sums, made)
    if (column !== null && isFault(A, made, column))
      throw new DeviceFault(say('device.caught', { name: nameForMessage(info) }), true)
  }

  const device: ProductDevice = {
    info,
    arithmetic: arithmeticWith(kernels.info.arithmetic, deviceName(info)),
    takes: (shape) => !failed && holds(info, shape) && (asked || pays(info.kind, way, shape)),
    accepts: ({ nanCount, infCount, maxAbs }) => nanCount + infCount === 0 && maxAbs >= LEAST_MAGNITUDE,
    products: () => {
      const mark = kernels.mark()
      return {
        ...kernels,
        panelRows: Math.max(CHUNK, kernels.panelRows),
        gemm: (A, X, Y) => multiply(A, 'plain', X, Y, false, mark),
        gemmTransposed: (A, Y, Z, accumulate) => multiply(A, 'transposed', Y, Z, accumulate, mark),
      }
    },
    leave: (fault) => {
      if (fault.lasting) failed = true
      said.push(fault.said)
      held = fault.lasting ? null : held
      drop()
    },
    notices: () => (asked ? said : []),
  }
  return {
    ...kernels,
    release: (mark) => {
      // The matrix lay below the mark of whoever asked for its products.
      if (held && mark < held.mark) drop()
      kernels.release(mark)
    },
    device,
  }
}

function nameForMessage(info: DeviceInfo) {
  return foreign(deviceName(info))
}

function holds({ bufferBytes }: DeviceInfo, { rows, cols, dtype, columns }: SketchShape): boolean {
  const largest = Math.max(rows, cols)
  return (
    largest <= MOST_ROWS &&
    4 * largest * columns <= bufferBytes &&
    Math.min(rows, CHUNK) * cols * bytesPerWeight[dtype] <= bufferBytes
  )
}

/** By the processor's own products: their rounding is that of the device, and the limit of the guard eight times it. */
function sumsOf(kernels: Kernels, A: Weights): MatrixSums {
  const mark = kernels.mark()
  try {
    const rowSigns = signs(A.rows, 1)
    const colSigns = signs(A.cols, 2)
    const column = (length: number): Matrix => ({ rows: length, cols: 1, data: kernels.allocateFloat32(length) })
    const [u, v, ofCols, ofRows] = [column(A.rows), column(A.cols), column(A.cols), column(A.rows)]
    u.data.set(rowSigns)
    v.data.set(colSigns)
    kernels.gemmTransposed(A, u, ofCols, false) // uTA
    kernels.gemm(A, v, ofRows) // A v
    const norm = Math.sqrt(kernels.statistics(A).sumOfSquares) * A.scale
    return { rowSigns, colSigns, ofCols: ofCols.data.slice(), ofRows: ofRows.data.slice(), norm }
  } finally {
    kernels.release(mark)
  }
}
