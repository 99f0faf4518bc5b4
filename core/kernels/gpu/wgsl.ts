/**
 * The shaders, as text: C <- op(A) B with op(A) = A or At, and the sum of the planes it leaves.
 *
 * A workgroup of 16 x 16 threads makes a tile of 64 rows and 16 TN columns of C; each thread 4 x TN of its entries, 16 rows and 16 columns apart, so
 * that neighboring threads read neighboring words of A, B and C. Slices of A and B pass through workgroup memory, widened to f32 on their way.
 *
 * Sums: BLOCK terms in order, blocks in order within CHUNK terms; chunks are planes of their own, added in order by `reduceSource`. So the bits
 * of a product depend on neither how A is cut into panels of whole chunks nor on the tile. Entries are off by no more than `depthOf` u sum |a||x|.
 *
 * Legend: A m x n, lda its row length; rows, inner, cols those of the product C rows x cols = op(A) rows x inner times B inner x cols.
 */
import type { WeightDType } from '../kernels.ts'

/** Terms added before their sum joins the others. */
const BLOCK = 256
/** Terms of one plane. Panels of A are whole multiples of it. */
export const CHUNK = 2048
/** Rows of C a workgroup makes. */
export const TILE_ROWS = 64
/** Terms of a slice: 16 keep both slices within 8.3 KB, so that several workgroups share a core. */
const depth = 16
/** Threads of a workgroup, and of one of `reduceSource`. */
export const GROUP = 256

export type Mode = 'plain' | 'transposed'

/** Columns of C each thread makes: the least padding, and the widest of those. */
export function threadColumns(cols: number): 2 | 3 | 4 {
  const padded = (width: number) => Math.ceil(cols / (16 * width)) * 16 * width
  let best: 2 | 3 | 4 = 4
  for (const width of [3, 2] as const) if (padded(width) < padded(best)) best = width
  return best
}

/** Additions any term of a sum of `inner` passes through, in f32, with its product: BLOCK, then those of blocks and planes. */
export function depthOf(inner: number): number {
  return Math.min(inner, BLOCK) + Math.ceil(inner / BLOCK) + 3
}

/** Reads element `e` of A, widened and scaled. F16 and BF16 lie two in a word, the first in its lower half. */
const weightOf: Readonly<Record<WeightDType, { readonly word: string; readonly source: string }>> = {
  F32: { word: 'f32', source: 'fn weight(e: u32) -> f32 { return A[e] * p.scale; }' },
  BF16: {
    word: 'u32',
    source: 'fn weight(e: u32) -> f32 { return bitcast<f32>((A[e >> 1u] >> ((e & 1u) << 4u)) << 16u) * p.scale; }',
  },
  // By integers: exact for subnormals whatever the device does with them, and needs no extension. Inf and NaN keep their exponent.
  F16: {
    word: 'u32',
    source: `fn weight(e: u32) -> f32 {
  let h = (A[e >> 1u] >> ((e & 1u) << 4u)) & 0xffffu;
  let sign = (h & 0x8000u) << 16u;
  let magnitude = h & 0x7fffu;
  let normal = bitcast<f32>(sign | ((magnitude << 13u) + 0x38000000u));
  let tiny = bitcast<f32>(sign | 0x33800000u) * f32(magnitude);
  let special = bitcast<f32>(sign | 0x7f800000u | (magnitude << 13u));
  return select(select(normal, tiny, 0x400u > magnitude), special, magnitude >= 0x7c00u) * p.scale;
}`,
  },
}

const TM = TILE_ROWS / 16
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Uniform words of a product, in the order of P. `plane`: words between the planes of C; 0 where there is one. */
export interface ProductWords {
  readonly rows: number
  readonly inner: number
  readonly cols: number
  readonly lda: number
  /** First row of the buffer of A, of B, of C. */
  readonly aRow: number
  readonly bRow: number
  readonly cRow: number
  readonly accumulate: 0 | 1
}

/** Bytes of P. */
export const UNIFORM_BYTES = 48
/** Word of P that holds the scale. */
export const SCALE_WORD = 8

/** `width`: threadColumns. */
export function productSource(mode: Mode, dtype: WeightDType, width: 2 | 3 | 4): string {
  const tileCols = 16 * width
  const pitch = TILE_ROWS + 1
  const { word, source } = weightOf[dtype]
  const each = (line: (i: number, j: number) => string) =>
    range(TM)
      .flatMap((i) => range(width).map((j) => line(i, j)))
      .join('\n')
  // Neighboring threads read neighbors in A: along a row of it, whichever way that lies in the product.
  const [r, d, element] =
    mode === 'transposed'
      ? [`s % ${TILE_ROWS}u`, `s / ${TILE_ROWS}u`, '(p.aRow + d0 + d) * p.lda + row0 + r']
      : [`s / ${depth}u`, `s % ${depth}u`, '(p.aRow + row0 + r) * p.lda + d0 + d']
  return `
struct P { rows: u32, inner: u32, cols: u32, lda: u32, aRow: u32, bRow: u32, cRow: u32, accumulate: u32, scale: f32 }
@group(0) @binding(0) var<uniform> p: P;
@group(0) @binding(1) var<storage, read> A: array<${word}>;
@group(0) @binding(2) var<storage, read> B: array<f32>;
@group(0) @binding(3) var<storage, read_write> C: array<f32>;
${source}
var<workgroup> As: array<f32, ${depth * pitch}>;
var<workgroup> Bs: array<f32, ${depth * tileCols}>;
@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tx = local.x; let ty = local.y; let t = ty * 16u + tx;
  let col0 = group.x * ${tileCols}u; let row0 = group.y * ${TILE_ROWS}u;
  let begin = group.z * ${CHUNK}u; let stop = min(p.inner, begin + ${CHUNK}u);
  ${each((i, j) => `var c${i}_${j} = 0.0;`)}
  for (var block = begin; block < stop; block += ${BLOCK}u) {
    let end = min(stop, block + ${BLOCK}u);
    ${each((i, j) => `var s${i}_${j} = 0.0;`)}
    for (var d0 = block; d0 < end; d0 += ${depth}u) {
      for (var s = t; s < ${TILE_ROWS * depth}u; s += ${GROUP}u) {
        let r = ${r}; let d = ${d};
        var v = 0.0;
        if (d0 + d < end && row0 + r < p.rows) { v = weight(${element}); }
        As[d * ${pitch}u + r] = v;
      }
      for (var s = t; s < ${tileCols * depth}u; s += ${GROUP}u) {
        let c = s % ${tileCols}u; let d = s / ${tileCols}u;
        var v = 0.0;
        if (d0 + d < end && col0 + c < p.cols) { v = B[(p.bRow + d0 + d) * p.cols + col0 + c]; }
        Bs[s] = v;
      }
      workgroupBarrier();
      for (var d = 0u; d < ${depth}u; d++) {
        ${range(TM)
          .map((i) => `let a${i} = As[d * ${pitch}u + ty + ${16 * i}u];`)
          .join('\n')}
        ${range(width)
          .map((j) => `let b${j} = Bs[d * ${tileCols}u + tx + ${16 * j}u];`)
          .join('\n')}
        ${each((i, j) => `s${i}_${j} = fma(a${i}, b${j}, s${i}_${j});`)}
      }
      workgroupBarrier();
    }
    ${each((i, j) => `c${i}_${j} += s${i}_${j};`)}
  }
  let plane = group.z * p.rows * p.cols;
  ${each(
    (i, j) => `{ let r = row0 + ty + ${16 * i}u; let c = col0 + tx + ${16 * j}u;
    if (r < p.rows && c < p.cols) {
      let at = plane + (p.cRow + r) * p.cols + c;
      if (p.accumulate != 0u) { c${i}_${j} = C[at] + c${i}_${j}; }
      C[at] = c${i}_${j};
    } }`,
  )}
}`
}

/** Out[at + i] <- (accumulate ? Out[at + i] : 0) + the sum of `planes` partial products, in order, for i < count. */
export const reduceSource = `
struct P { count: u32, planes: u32, at: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: P;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * ${GROUP}u + id.x;
  if (i >= p.count) { return; }
  var sum = 0.0;
  if (p.accumulate != 0u) { sum = out[p.at + i]; }
  for (var q = 0u; q < p.planes; q++) { sum += parts[q * p.count + i]; }
  out[p.at + i] = sum;
}`
