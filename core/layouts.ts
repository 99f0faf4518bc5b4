/**
 * How the factors of a matrix can be laid out. What is peculiar to a layout is said here and nowhere else: bytes, rounding and the choice of
 * dtypes ask the entry. How its values get into a file is its writer's (core/write/styles/).
 */

/**
 * `by-rank`: one for each singular direction, or for each row of B and column of A (core/curves/size.ts). `one`: one for U and one for V,
 * whatever their dtype. null: the layout has no INT8.
 */
type Scales = 'by-rank' | 'one' | null

export interface Layout {
  /** Bytes of each singular value beside the vectors; 0 where the factors hold them, sqrt(s) each. */
  singularValueBytes(bytesPerValue: number): number
  readonly scales: Scales
  /** Of a sparse entry: its place and its value. */
  readonly sparseEntryBytes: number
  /** Instead of INT8 where its rounding would show: half precision, and BF16 for its range, or what the format has. */
  readonly insteadOfInt8: 'BF16' | 'F32'
}

export const layouts = {
  /** A (r x n) and B (m x r). Sparse entries: I64 and F32. */
  ab: { singularValueBytes: () => 0, scales: 'by-rank', sparseEntryBytes: 12, insteadOfInt8: 'BF16' },
  /** U, S and Vt. Singular values beyond 65504 are common: F32 at least. */
  usv: {
    singularValueBytes: (bytesPerValue: number) => Math.max(4, bytesPerValue),
    scales: null,
    sparseEntryBytes: 12,
    insteadOfInt8: 'BF16',
  },
  /** U, S and V as an .aguf file has them: S in F32, sparse entries of two I32 and an F16. */
  aguf: { singularValueBytes: () => 4, scales: 'one', sparseEntryBytes: 10, insteadOfInt8: 'F32' },
} as const satisfies Readonly<Record<string, Layout>>

export type LayoutId = keyof typeof layouts

/** The entry of a layout, as any of them. */
export function layoutOf(id: LayoutId): Layout {
  return layouts[id]
}

/** Whether the factors hold the singular values, so that they are as long as their roots. */
export function holdsValues(layout: LayoutId): boolean {
  return layoutOf(layout).singularValueBytes(4) === 0
}
