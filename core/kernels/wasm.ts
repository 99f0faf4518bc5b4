/**
 * The fast kernels: WebAssembly SIMD on a team of threads over one shared memory. Same contract as reference.ts, which judges them.
 *
 * Bits: work is split over output tiles only, sums run over fixed blocks in a fixed order. So results depend on neither the number of
 * threads nor on how the rows are split into panels, and tiles of one arithmetic class agree bit for bit.
 */
import type { Params } from '../params.ts'
import { cholesky, inverseCholesky } from './cholesky.ts'
import { chooseTiles } from './choose.ts'
import { clearCancel, newControl, raiseCancel } from './control.ts'
import { denseSolvers } from './eigen.ts'
import { factorPasses } from './factors.ts'
import type { TileName } from './instance.ts'
import type {
  Arithmetic,
  DifferenceSums,
  GaussianKey,
  Kernels,
  Matrix,
  WeightStatistics,
  Weights,
  WideWeights,
} from './kernels.ts'
import { ADDRESS_SPACE_BYTES, type StackMemory, stackMemory } from './memory.ts'
import { compileModules } from './modules.ts'
import { referenceKernels } from './reference.ts'
import { BLOCK_DEPTH, DOUBLE_BLOCK, dtypeNumber, roundUp, SCRATCH_BYTES, tileNumber, type Worker } from './task.ts'
import { leftBytes, MOST_TURNED, PACKED_DEPTH, turnedColumns } from './tasks/gemm.ts'
import { lowerBlockCount } from './tasks/gram.ts'
import { RESIDUAL_ROWS, STATISTICS_CHUNK } from './tasks/passes.ts'
import { assembleTeam, type SpawnMember, type Team } from './team.ts'

export interface KernelOptions {
  /** 1 or more, the calling thread included. */
  readonly threads: number
  readonly choice: Params['kernel']
  /** How the host starts a thread; null where there is only the calling one. */
  readonly spawn: SpawnMember | null
  /** Most bytes of working memory; default and most: 4 GiB. */
  readonly memoryLimitBytes?: number
  /** Turns V8's re-vectorizer on, before anything is compiled; absent where the host has no such switch. */
  readonly enableRevectorizer?: () => void
  /** A control block made elsewhere (`newControl`), so that another thread can cancel from the start. */
  readonly control?: SharedArrayBuffer
  /** A thread that finishes no piece of work for so long counts as dead. Milliseconds. */
  readonly patienceMs?: number
  /** Work below this is done by the calling thread alone. */
  readonly aloneBelowFlop?: number
}

/** Kernels with an end, and with a flag that any thread may raise. */
export interface TeamKernels extends Kernels {
  /** Send it to another thread, which then stops the work by `raiseCancel(control)`. */
  readonly control: SharedArrayBuffer
  cancel(): void
  clearCancel(): void
  /** Ends the threads. */
  shutdown(): Promise<void>
}

const PATIENCE_MS = 20_000
/** Some 15 microseconds of one thread: less than it takes to wake another. */
const ALONE_BELOW_FLOP = 2e6

/** @throws AppError `bad-request` for a kernel this machine lacks, `engine-died` when a thread does not start, `out-of-memory` */
export async function createWasmKernels(options: KernelOptions): Promise<TeamKernels> {
  const control = options.control ?? newControl()
  const stop = { control, cancel: () => raiseCancel(control), clearCancel: () => clearCancel(control) }
  if (options.choice === 'reference') return { ...referenceKernels(), ...stop, shutdown: async () => undefined }

  const { threads, spawn, patienceMs = PATIENCE_MS, aloneBelowFlop = ALONE_BELOW_FLOP } = options
  const memory = stackMemory(options.memoryLimitBytes ?? ADDRESS_SPACE_BYTES)
  if (options.choice === 'auto' || options.choice === 'revectorized') options.enableRevectorizer?.()
  const modules = await compileModules()
  const scratch = Array.from({ length: threads }, () => memory.allocate(SCRATCH_BYTES))
  const { team, leader } = await assembleTeam({
    threads,
    control,
    memory: memory.memory,
    modules,
    scratch,
    spawn,
    patienceMs,
  })
  const { tile, arithmetic } = await chooseTiles(leader.instance, options.choice, memory)
  return { ...wasmKernels(team, leader, memory, tile, arithmetic, aloneBelowFlop), ...stop, shutdown: team.shutdown }
}

function wasmKernels(
  team: Team,
  leader: Worker,
  memory: StackMemory,
  tileName: TileName,
  arithmetic: Arithmetic,
  aloneBelowFlop: number,
): Kernels {
  const { addressOf } = memory
  const tile = tileNumber(tileName)
  const [tileRows, tileCols] = { simd: [5, 8], relaxed: [6, 8], revectorized: [6, 16] }[tileName] as [number, number]

  /** `work` in flop, or what takes as long. */
  const runFor = (work: number) => (work < aloneBelowFlop ? team.runAlone : team.run)
  /** Rows per task: up to 16 groups, in as many tasks for each thread; fewer where that leaves threads without work. */
  const blockFor = (rows: number) => {
    const groups = Math.ceil(rows / tileRows)
    const rounds = Math.max(4, Math.ceil(groups / (16 * team.threads)))
    return tileRows * Math.ceil(groups / (rounds * team.threads))
  }
  /** Columns per task of At Y with many columns of Y: few, for the block of Z to stay in the second-level cache, in as many tasks for each thread. */
  const columnsFor = (cols: number) => {
    const groups = Math.ceil(cols / tileRows)
    return tileRows * Math.ceil(groups / roundUp(Math.ceil(groups / 32), team.threads))
  }
  /** Runs `body` and frees what it allocated. */
  const scoped = <T>(body: () => T): T => {
    const mark = memory.mark()
    try {
      return body()
    } finally {
      memory.release(mark)
    }
  }
  /** X, rows x cols, packed for the tiles: byte offset. */
  const pack = (x: Float32Array | Float64Array, rows: number, cols: number): number => {
    const to = memory.allocate(rows * roundUp(cols, tileCols) * 4)
    const task = x instanceof Float64Array ? 'packRightDouble' : 'packRight'
    runFor(16 * rows * cols)(task, Math.ceil(rows / BLOCK_DEPTH), addressOf(x), rows, cols, tileCols, to)
    return to
  }
  /** Y for Yt A: byte offset. */
  const packLeft = ({ rows, cols, data }: Matrix): number => {
    const to = memory.allocate(leftBytes(rows, cols, tileRows))
    runFor(16 * rows * cols)('packLeft', Math.ceil(rows / BLOCK_DEPTH), addressOf(data), rows, cols, tileRows, to)
    return to
  }
  const doubles = (at: number, length: number) => new Float64Array(memory.buffer(), at, length)

  function statistics(A: Weights, beside?: () => void): WeightStatistics {
    return scoped(() => {
      const count = A.rows * A.cols
      const chunks = Math.ceil(count / STATISTICS_CHUNK)
      const to = memory.allocate(32 * chunks)
      const run = beside ? team.beside(beside) : team.run
      run('statistics', chunks, addressOf(A.data), dtypeNumber(A.dtype), count, to)
      const parts = doubles(to, 4 * chunks)
      let [sumOfSquares, maxAbs, nanCount, infCount] = [0, 0, 0, 0]
      for (let i = 0; i < parts.length; i += 4) {
        sumOfSquares += parts[i]!
        maxAbs = Math.max(maxAbs, parts[i + 1]!)
        nanCount += parts[i + 2]!
        infCount += parts[i + 3]!
      }
      return { sumOfSquares, maxAbs, nanCount, infCount }
    })
  }

  function subtract(tuned: Weights, base: Weights, D: Float32Array, beside?: () => void): DifferenceSums {
    return scoped(() => {
      const chunks = Math.ceil(D.length / STATISTICS_CHUNK)
      const to = memory.allocate(40 * chunks)
      const [t, b, d] = [addressOf(tuned.data), addressOf(base.data), addressOf(D)]
      const run = beside ? team.beside(beside) : runFor(10 * D.length)
      run('difference', chunks, t, dtypeNumber(tuned.dtype), b, dtypeNumber(base.dtype), D.length, d, to)
      const parts = doubles(to, 5 * chunks)
      const sum = (which: number) => {
        let total = 0
        for (let i = which; i < parts.length; i += 5) total += parts[i]!
        return total
      }
      return { base: sum(0), tuned: sum(1), difference: sum(2), nanCount: sum(3), infCount: sum(4) }
    })
  }

  function gaussian(key: GaussianKey, X: Matrix): void {
    // At most 65536 normals a task, half a millisecond.
    const block = Math.max(1, Math.min(Math.floor(65536 / X.cols), Math.ceil(X.rows / (4 * team.threads))))
    const run = runFor(400 * X.rows * X.cols)
    run('gaussian', Math.ceil(X.rows / block), key[0], key[1], addressOf(X.data), X.rows, X.cols, block)
  }

  function multiply(A: Weights, X: Float32Array | Float64Array, Y: Matrix, accumulate: boolean): void {
    scoped(() => {
      const packed = pack(X, A.cols, Y.cols)
      const block = blockFor(A.rows)
      const { rows, scale } = A
      const add = accumulate ? 1 : 0
      const dtype = dtypeNumber(A.dtype)
      const [a, y] = [addressOf(A.data), addressOf(Y.data)]
      const count = Math.ceil(rows / block)
      const run = runFor(2 * rows * A.cols * Y.cols)
      run('multiply', count, tile, a, rows, A.cols, dtype, scale, packed, Y.cols, y, add, block)
    })
  }

  function gemmTransposed(A: Weights, Y: Matrix, Z: Matrix, accumulate: boolean): void {
    scoped(() => {
      const isTurned = Y.cols <= MOST_TURNED
      const packed = isTurned ? packLeft(Y) : pack(Y.data, Y.rows, Y.cols)
      const block = isTurned ? turnedColumns(A.cols, tileCols, team.threads) : columnsFor(A.cols)
      const [a, z] = [addressOf(A.data), addressOf(Z.data)]
      const dtype = dtypeNumber(A.dtype)
      const { rows, cols, scale } = A
      const add = accumulate ? 1 : 0
      const count = Math.ceil(cols / block)
      const run = runFor(2 * rows * cols * Y.cols)
      const task = isTurned ? 'multiplyTurned' : 'multiplyTransposed'
      run(task, count, tile, a, rows, cols, dtype, scale, packed, Y.cols, z, add, block)
    })
  }

  function gramWeights(A: WideWeights, side: 'rows' | 'cols', G: Float64Array, accumulate: boolean): void {
    const order = side === 'rows' ? A.rows : A.cols
    const work = A.rows * A.cols * order
    let block = DOUBLE_BLOCK
    // Each task packs its own panels: with many small ones that takes longer than the products.
    if (work >= aloneBelowFlop) while (block > 24 && lowerBlockCount(order, block) < 3 * team.threads) block /= 2
    const count = lowerBlockCount(order, block)
    const [a, g] = [addressOf(A.data), addressOf(G)]
    const dtype = dtypeNumber(A.dtype)
    const byRows = side === 'rows' ? 1 : 0
    const add = accumulate ? 1 : 0
    const run = runFor(work)
    run('symmetricProduct', count, tile, a, A.rows, A.cols, dtype, A.scale, byRows, g, add, block)
    run('mirror', count, g, order, block)
  }

  function crossGram(X: Matrix, Y: Matrix, C: Float64Array): void {
    const block = 48
    const count = Math.ceil(X.cols / block) * Math.ceil(Y.cols / block)
    const [x, y, c] = [addressOf(X.data), addressOf(Y.data), addressOf(C)]
    const run = runFor(2 * X.rows * X.cols * Y.cols)
    run('crossProduct', count, tile, x, X.cols, y, Y.cols, X.rows, c, block)
  }

  function multiplySmall(Y: Matrix, M: Float64Array, Out: Matrix, accumulate = false): void {
    scoped(() => {
      let rows = Y.data
      if (Out.data.byteOffset === rows.byteOffset && Y.cols > PACKED_DEPTH) {
        rows = new Float32Array(...view(rows.byteLength, rows.length))
        rows.set(Y.data)
        memory.addressOf(rows)
      }
      if (accumulate || Y.cols !== Out.cols || !isUpperTriangular(M, Y.cols))
        return multiply(asWeights({ ...Y, data: rows }), M, Out, accumulate)
      // R^-1 of a Cholesky QR.
      const order = Y.cols
      const packed = pack(M, order, order)
      const block = blockFor(Y.rows)
      const run = runFor(Y.rows * order * order)
      const [y, out] = [addressOf(rows), addressOf(Out.data)]
      run('multiplyTriangular', Math.ceil(Y.rows / block), tile, y, Y.rows, order, packed, out, block)
    })
  }

  function residual(A: Weights, L: Matrix, R: Matrix): number {
    return scoped(() => {
      const packed = pack(R.data, R.rows, R.cols)
      const parts = Math.ceil(A.rows / RESIDUAL_ROWS)
      const to = memory.allocate(8 * parts)
      const [a, l] = [addressOf(A.data), addressOf(L.data)]
      const dtype = dtypeNumber(A.dtype)
      team.run('residual', parts, tile, a, A.rows, A.cols, dtype, A.scale, l, L.cols, packed, to)
      let sum = 0
      for (const part of doubles(to, parts)) sum += part
      return sum
    })
  }

  function residualDouble(A: WideWeights, L: Float64Array, R: Float64Array, inner: number): number {
    return scoped(() => {
      const parts = Math.ceil(A.rows / RESIDUAL_ROWS)
      const to = memory.allocate(8 * parts)
      const [a, l, r] = [addressOf(A.data), addressOf(L), addressOf(R)]
      const dtype = dtypeNumber(A.dtype)
      team.run('residualDouble', parts, tile, a, A.rows, A.cols, dtype, A.scale, l, inner, r, to)
      let sum = 0
      for (const part of doubles(to, parts)) sum += part
      return sum
    })
  }

  function transpose(A: Matrix, B: Matrix): void {
    const block = 64
    const [a, b] = [addressOf(A.data), addressOf(B.data)]
    runFor(8 * A.rows * A.cols)('transpose', Math.ceil(A.rows / block), a, A.rows, A.cols, b, block)
  }

  return {
    info: { kernel: `${tileName} ${tileRows}x${tileCols}`, arithmetic, threads: team.threads },
    allocateBytes: (length) => new Uint8Array(...view(length)),
    allocateFloat32: (length) => new Float32Array(...view(4 * length, length)),
    allocateFloat64: (length) => new Float64Array(...view(8 * length, length)),
    mark: memory.mark,
    release: memory.release,
    memory: memory.usage,
    statistics,
    subtract,
    gaussian,
    gemm: (A, X, Y) => multiply(A, X.data, Y, false),
    gemmTransposed,
    panelRows: BLOCK_DEPTH,
    gram: (Y, G) => gramWeights(asWeights(Y), 'cols', G, false),
    gramWeights,
    crossGram,
    multiplySmall,
    inverseCholesky: (G, order, Inverse) =>
      scoped(() => inverseCholesky(runFor(order ** 3), leader, memory, tile, addressOf(G), order, addressOf(Inverse))),
    cholesky: (G, order) => scoped(() => cholesky(runFor(order ** 3), leader, memory, tile, addressOf(G), order)),
    transpose,
    residual,
    residualDouble,
    ...factorPasses(team, memory),
    ...denseSolvers(team, memory, leader, tileName),
  }

  function view(byteLength: number, length = byteLength): [SharedArrayBuffer, number, number] {
    const at = memory.allocate(byteLength)
    return [memory.buffer(), at, length]
  }
}

/** Ends at the first nonzero below the diagonal: a full matrix costs nothing, a triangular one a small part of what it saves. */
function isUpperTriangular(M: Float64Array, order: number): boolean {
  for (let i = 1; i < order; i++) for (let at = i * order; at < i * order + i; at++) if (M[at] !== 0) return false
  return true
}

function asWeights(Y: Matrix): Weights {
  const data = new Uint8Array(Y.data.buffer, Y.data.byteOffset, Y.data.byteLength)
  return { rows: Y.rows, cols: Y.cols, dtype: 'F32', data, scale: 1 }
}
