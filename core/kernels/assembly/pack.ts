/**
 * Packing: the operands of a product are copied into the order in which the tiles read them, widened to f32 and scaled on the way,
 * so no widened copy of the weights ever exists.
 *
 * dtype 0 F32, 1 F16, 2 BF16. Strides `ld` in bytes. `scale` is a power of two and multiplies exactly.
 */

/** Rows that are touched together: at a stride of a power of two they share their sets of the first-level cache, of 8 or 12 ways. */
export const STRIP: i32 = 8

/**
 * Reads one word of every cache line of `rows` rows and leaves them in the cache. Weights come from main memory, row after row on another
 * page; a loop that only loads keeps many of these misses under way at once: a 4096 x 4096 matrix is packed in 4 ms instead of 7.5.
 * `to`: 16 bytes that nobody needs, so that the loads have a use.
 */
@inline
export function touch(from: usize, ld: usize, rows: i32, bytes: i32, to: usize): void {
  let any = i32x4.splat(0)
  for (let r: i32 = 0; r < rows; r++) {
    for (let at: i32 = 0; at < bytes; at += 64) any = v128.or(any, v128.load8_splat(from + at))
    from += ld
  }
  v128.store(to, any)
}

/** Four values to f32. */
@inline
export function widen(from: usize, dtype: i32): v128 {
  if (dtype == 0) return v128.load(from)
  if (dtype == 2) return i32x4.shl(v128.load16x4_u(from), 16)
  return widenHalfLanes(v128.load16x4_u(from))
}

/** The same for two values, in the low lanes. */
@inline
function widenTwo(from: usize, dtype: i32): v128 {
  if (dtype == 0) return v128.load64_zero(from)
  const halves = i32x4.extend_low_i16x8_u(v128.load32_zero(from))
  return dtype == 2 ? i32x4.shl(halves, 16) : widenHalfLanes(halves)
}

/** Four binary16 in 32-bit lanes to f32: exponent and fraction moved into place and multiplied by 2^112, exact for subnormals; Inf and NaN get their exponent back. */
@inline
export function widenHalfLanes(h: v128): v128 {
  const magnitude = v128.and(h, i32x4.splat(0x7fff))
  const finite = f32x4.mul(i32x4.shl(magnitude, 13), f32x4.splat(5.192296858534828e33))
  const special = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000))
  return v128.or(v128.or(finite, special), i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16))
}

@inline
export function widenOne(from: usize, dtype: i32): f32 {
  if (dtype == 0) return load<f32>(from)
  const half = <i32>load<u16>(from)
  if (dtype == 2) return reinterpret<f32>(half << 16)
  return f32x4.extract_lane(widenHalfLanes(i32x4.splat(half)), 0)
}

/** Rows stay rows: to[row][p], `depth` floats each, zeros in the rows from `rows` to `padded`. */
export function packRows(
  from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, padded: i32, depth: i32, to: usize,
): void {
  if (dtype == 0) rowsOf<f32>(from, ld, 0, scale, rows, depth, to)
  else if (dtype == 1) rowsOf<u16>(from, ld, 1, scale, rows, depth, to)
  else rowsOf<u16>(from, ld, 2, scale, rows, depth, to)
  memory.fill(to + rows * (depth << 2), 0, (padded - rows) * (depth << 2))
}

@inline
function rowsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, depth: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const factor = f32x4.splat(scale)
  for (let i: i32 = 0; i < rows; i++) {
    if (i % STRIP == 0) touch(from + i * ld, ld, min(STRIP, rows - i), depth * size, to)
    const source: usize = from + i * ld
    let p: i32 = 0
    for (; p + 4 <= depth; p += 4) v128.store(to + (p << 2), f32x4.mul(widen(source + p * size, dtype), factor))
    for (; p < depth; p++) store<f32>(to + (p << 2), widenOne(source + p * size, dtype) * scale)
    to += depth << 2
  }
}

/** Columns become the tile's rows: to[group][p][r], r < group: `width` columns in groups of `group`, zeros past the end. Group 5 or 6. */
export function packColumns(
  from: usize, ld: usize, dtype: i32, scale: f32, width: i32, depth: i32, group: i32, to: usize,
): void {
  if (dtype == 0) columnsOf<f32>(from, ld, 0, scale, width, depth, group, to)
  else if (dtype == 1) columnsOf<u16>(from, ld, 1, scale, width, depth, group, to)
  else columnsOf<u16>(from, ld, 2, scale, width, depth, group, to)
}

@inline
function columnsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, width: i32, depth: i32, group: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const factor = f32x4.splat(scale)
  const row: usize = group << 2
  const panel: usize = depth * row + 64
  const whole: i32 = width / group
  const rest: i32 = width - whole * group
  for (let p: i32 = 0; p < depth; p++) {
    if (p % STRIP == 0) touch(from + p * ld, ld, min(STRIP, depth - p), width * size, to + depth * row)
    let source: usize = from + p * ld
    let target: usize = to + p * row
    for (let g: i32 = 0; g < whole; g++) {
      v128.store(target, f32x4.mul(widen(source, dtype), factor))
      if (group == 6) v128.store64_lane(target, f32x4.mul(widenTwo(source + 4 * size, dtype), factor), 0, 16)
      else store<f32>(target, widenOne(source + 4 * size, dtype) * scale, 16)
      source += group * size
      target += panel
    }
    if (rest == 0) continue
    for (let j: i32 = 0; j < group; j++) {
      store<f32>(target + (j << 2), j < rest ? widenOne(source + j * size, dtype) * scale : 0)
    }
  }
}

/** The right-hand side: to[panel][p][v], v < width (8 or 16): `cols` columns, zeros past the end. */
export function packPanels(
  from: usize, ld: usize, dtype: i32, scale: f32, cols: i32, depth: i32, width: i32, to: usize,
): void {
  if (dtype == 0) panelsOf<f32>(from, ld, 0, scale, cols, depth, width, to)
  else if (dtype == 1) panelsOf<u16>(from, ld, 1, scale, cols, depth, width, to)
  else panelsOf<u16>(from, ld, 2, scale, cols, depth, width, to)
}

@inline
function panelsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, cols: i32, depth: i32, width: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const factor = f32x4.splat(scale)
  const row: usize = width << 2
  for (let p0: i32 = 0; p0 < depth; p0 += STRIP) {
    const strip: i32 = min(STRIP, depth - p0)
    touch(from, ld, strip, cols * size, to + p0 * row)
    for (let j: i32 = 0; j < cols; j += width) {
      let source: usize = from + j * size
      let target: usize = to + (j * depth << 2) + p0 * row
      for (let p: i32 = 0; p < strip; p++) {
        if (j + width <= cols) {
          for (let v: i32 = 0; v < width; v += 8) {
            v128.store(target + (v << 2), f32x4.mul(widen(source + v * size, dtype), factor))
            v128.store(target + (v << 2), f32x4.mul(widen(source + (v + 4) * size, dtype), factor), 16)
          }
        } else {
          for (let v: i32 = 0; v < width; v++) store<f32>(target + (v << 2), j + v < cols ? widenOne(source + v * size, dtype) * scale : 0)
        }
        source += ld
        target += row
      }
    }
    from += strip * ld
  }
}

/** The same from f64, rounded to f32. */
export function packPanelsDouble(from: usize, ld: usize, cols: i32, depth: i32, width: i32, to: usize): void {
  for (let j: i32 = 0; j < cols; j += width) {
    for (let p: i32 = 0; p < depth; p++) {
      const source: usize = from + p * ld + (j << 3)
      for (let v: i32 = 0; v < width; v++) {
        store<f32>(to + (v << 2), j + v < cols ? <f32>load<f64>(source + (v << 3)) : 0)
      }
      to += width << 2
    }
  }
}
