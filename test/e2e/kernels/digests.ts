/** Runs in Node and in a page: what every kernel gives for fixed operands, as a digest of its bits. */
import type { Kernels, Matrix, Weights } from '../../../core/kernels/kernels.ts'
import { createWasmKernels } from '../../../core/kernels/wasm.ts'

/** Often enough for the optimizing compiler to have taken over. */
const REPEATS = 40
const [m, n, k] = [131, 300, 37] as const

export async function digests(choice: 'simd' | 'relaxed' | 'revectorized'): Promise<Record<string, string>> {
  const kernels = await createWasmKernels({ threads: 1, choice, spawn: null, memoryLimitBytes: 2 ** 28 })
  const found: Record<string, string> = {}
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const mark = kernels.mark()
    for (const [name, bits] of results(kernels)) found[name] = digest(bits)
    kernels.release(mark)
  }
  await kernels.shutdown()
  return found
}

function* results(kernels: Kernels): Generator<[string, ArrayBufferView]> {
  const matrix = (rows: number, cols: number, stream: number): Matrix => {
    const X = { rows, cols, data: kernels.allocateFloat32(rows * cols) }
    kernels.gaussian([stream, 7], X)
    return X
  }
  const source = matrix(m, n, 1)
  yield ['gaussian', source.data]
  const bytes = new Uint8Array(source.data.buffer, source.data.byteOffset, source.data.byteLength)
  const X = matrix(n, k, 2)
  const Y = matrix(m, k, 3)
  const Z = matrix(n, k, 4)
  // The same words as pairs of BF16, without the highest bit of the exponent: below 2, never Inf or NaN, whose bits are not specified.
  const halves = kernels.allocateBytes(bytes.byteLength)
  halves.set(bytes.map((byte, i) => (i % 2 ? byte & 0xbf : byte)))
  for (const dtype of ['F32', 'BF16', 'F16'] as const) {
    const data = dtype === 'F32' ? bytes : halves
    const A: Weights = { rows: dtype === 'F32' ? m : 50, cols: n, dtype, data, scale: 2 ** -3 }
    const part = { ...Y, rows: A.rows, data: Y.data.subarray(0, A.rows * k) }
    kernels.gemm(A, X, part)
    yield [`${dtype} A X`, part.data]
    kernels.gemmTransposed(A, part, Z, false)
    yield [`${dtype} At Y`, Z.data]
  }
  const A: Weights = { rows: m, cols: n, dtype: 'F32', data: bytes, scale: 1 }
  kernels.gemm(A, X, Y)
  const G = kernels.allocateFloat64(m * m)
  kernels.gramWeights(A, 'rows', G, false)
  yield ['gram of weights', G]
  yield ['residual', Float64Array.of(kernels.residual(A, Y, matrix(k, n, 5)))]
  yield ['statistics', Float64Array.of(kernels.statistics(A).sumOfSquares)]
  const small = kernels.allocateFloat64(k * k)
  const inverse = kernels.allocateFloat64(k * k)
  kernels.gram(Y, small)
  yield ['gram', small]
  kernels.inverseCholesky(small, k, inverse)
  yield ['inverse of Cholesky factor', inverse]
  kernels.multiplySmall(Y, inverse, Y)
  yield ['Y M', Y.data]
  const values = kernels.allocateFloat64(m)
  const vectors = kernels.allocateFloat64(m * m)
  kernels.symmetricEigen(G, m, values, vectors)
  yield ['eigenvalues', values]
  yield ['eigenvectors', vectors]
}

/** FNV-1a over 32-bit words. */
function digest(view: ArrayBufferView): string {
  let hash = 0x811c9dc5
  for (const word of new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4))
    hash = Math.imul(hash ^ word, 0x01000193)
  return (hash >>> 0).toString(16)
}
