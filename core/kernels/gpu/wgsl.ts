/**
 * The shaders, as text: C <- op(A) B with op(A) = A or At, and the sum of the planes it leaves.
 *
 * A workgroup of 16 x 16 threads makes a tile of 64 x 64 of C, each thread 4 x 4 neighboring entries. Slices of A and B pass through workgroup memory, widened to
 * f32 on their way, as vectors of four: a thread then reads two of them for 16 products. Larger tiles and deeper slices were slower on the hardware there
 * was (docs/performance.md).
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
/** Rows and columns of C a workgroup makes. */
export const TILE = 64
/** Terms of a slice: each thread brings one vector of A and one of B. */
const depth = 16
/** Threads of a workgroup, and of one of `reduceSource`. */
export const GROUP = 256

export type Mode = 'plain' | 'transposed'

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

/** Vectors of a slice of A from one term to the next: one more than there are, so that neighbors are written to different banks. */
const pitch = TILE / 4 + 1
const four = (line: (i: number) => string) => [0, 1, 2, 3].map(line).join('\n')

export function productSource(mode: Mode, dtype: WeightDType): string {
  const { word, source } = weightOf[dtype]
  // Neighboring threads read neighbors in A: along a row of it, whichever way that lies in the product.
  const [quad, d, element] =
    mode === 'transposed'
      ? ['t % 16u', 't / 16u', (i: number) => `(p.aRow + d0 + d) * p.lda + row + ${i}u`]
      : ['t / 16u', 't % 16u', (i: number) => `(p.aRow + row + ${i}u) * p.lda + d0 + d`]
  return `
struct P { rows: u32, inner: u32, cols: u32, lda: u32, aRow: u32, bRow: u32, cRow: u32, accumulate: u32, scale: f32 }
@group(0) @binding(0) var<uniform> p: P;
@group(0) @binding(1) var<storage, read> A: array<${word}>;
@group(0) @binding(2) var<storage, read> B: array<f32>;
@group(0) @binding(3) var<storage, read_write> C: array<f32>;
${source}
fn sliceOfA(t: u32, row0: u32, d0: u32, end: u32) -> vec4f {
  let row = row0 + 4u * (${quad}); let d = ${d};
  var a = vec4f();
  if (d0 + d < end) {
    ${four((i) => `if (row + ${i}u < p.rows) { a[${i}] = weight(${element(i)}); }`)}
  }
  return a;
}
fn sliceOfB(t: u32, col0: u32, d0: u32, end: u32) -> vec4f {
  let col = col0 + 4u * (t % 16u); let d = d0 + t / 16u;
  let at = (p.bRow + d) * p.cols + col;
  var b = vec4f();
  if (d < end) {
    ${four((j) => `if (col + ${j}u < p.cols) { b[${j}] = B[at + ${j}u]; }`)}
  }
  return b;
}
fn put(row: u32, col: u32, plane: u32, c: vec4f) {
  if (row >= p.rows) { return; }
  let at = plane * p.rows * p.cols + (p.cRow + row) * p.cols + col;
  ${four(
    (j) => `if (col + ${j}u < p.cols) {
    var v = c[${j}];
    if (p.accumulate != 0u) { v = C[at + ${j}u] + v; }
    C[at + ${j}u] = v;
  }`,
  )}
}
var<workgroup> As: array<vec4f, ${depth * pitch}>;
var<workgroup> Bs: array<vec4f, ${(depth * TILE) / 4}>;
@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tx = local.x; let ty = local.y; let t = ty * 16u + tx;
  let row0 = group.y * ${TILE}u; let col0 = group.x * ${TILE}u;
  let begin = group.z * ${CHUNK}u; let stop = min(p.inner, begin + ${CHUNK}u);
  ${four((i) => `var c${i} = vec4f();`)}
  for (var block = begin; block < stop; block += ${BLOCK}u) {
    let end = min(stop, block + ${BLOCK}u);
    ${four((i) => `var s${i} = vec4f();`)}
    for (var d0 = block; d0 < end; d0 += ${depth}u) {
      As[(${d}) * ${pitch}u + ${quad}] = sliceOfA(t, row0, d0, end);
      Bs[t] = sliceOfB(t, col0, d0, end);
      workgroupBarrier();
      for (var d = 0u; d < ${depth}u; d++) {
        let a = As[d * ${pitch}u + ty];
        let b = Bs[d * 16u + tx];
        ${four((i) => `s${i} = fma(vec4f(a[${i}]), b, s${i});`)}
      }
      workgroupBarrier();
    }
    ${four((i) => `c${i} += s${i};`)}
  }
  ${four((i) => `put(row0 + 4u * ty + ${i}u, col0 + 4u * tx, group.z, c${i});`)}
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
