/**
 * Packing: the operands of a product are copied into the order in which the tiles read them, widened to f32 and scaled on the way,
 * so no widened copy of the weights ever exists.
 *
 * dtype 0 F32, 1 F16, 2 BF16. Strides `ld` in bytes. `scale` is a power of two and multiplies exactly.
 */

@inline
function widen(from: usize, dtype: i32): v128 {
  if (dtype == 0) return v128.load(from)
  if (dtype == 2) return i32x4.shl(v128.load16x4_u(from), 16)
  return widenHalf(v128.load16x4_u(from))
}

/** Four binary16 in 32-bit lanes to f32: exponent and fraction moved into place and multiplied by 2^112, exact for subnormals; Inf and NaN get their exponent back. */
@inline
function widenHalf(h: v128): v128 {
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
  return f32x4.extract_lane(widenHalf(i32x4.splat(half)), 0)
}

/** Rows stay rows: to[row][p], `depth` floats each, zeros in the rows from `rows` to `padded`. */
export function packRows(
  from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, padded: i32, depth: i32, to: usize,
): void {
  if (dtype == 0) rowsOf<f32>(from, ld, 0, scale, rows, depth, to)
  else if (dtype == 1) rowsOf<u16>(from, ld, 1, scale, rows, depth, to)
  else rowsOf<i16>(from, ld, 2, scale, rows, depth, to)
  memory.fill(to + rows * (depth << 2), 0, (padded - rows) * (depth << 2))
}

@inline
function rowsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, depth: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const factor = f32x4.splat(scale)
  for (let i: i32 = 0; i < rows; i++) {
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
  else columnsOf<i16>(from, ld, 2, scale, width, depth, group, to)
}

@inline
function columnsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, width: i32, depth: i32, group: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const factor = f32x4.splat(scale)
  const panel: usize = depth * (group << 2)
  // 8 values are read where 5 or 6 are kept: the last ones of the row are done one by one.
  const whole: i32 = width >= 8 ? (width - 8) / group + 1 : 0
  for (let p: i32 = 0; p < depth; p++) {
    const source: usize = from + p * ld
    let target: usize = to + p * (group << 2)
    let at: usize = source
    for (let g: i32 = 0; g < whole; g++) {
      v128.store(target, f32x4.mul(widen(at, dtype), factor))
      const rest = f32x4.mul(widen(at + 4 * size, dtype), factor)
      if (group == 6) v128.store64_lane(target, rest, 0, 16)
      else v128.store32_lane(target, rest, 0, 16)
      at += group * size
      target += panel
    }
    for (let j: i32 = whole * group; j < width; j += group) {
      for (let r: i32 = 0; r < group; r++) {
        store<f32>(target + (r << 2), j + r < width ? widenOne(at + r * size, dtype) * scale : 0)
      }
      at += group * size
      target += panel
    }
  }
}

/** The right-hand side: to[panel][p][v], v < width (8 or 16): `cols` columns of f32, zeros past the end. */
export function packPanels(from: usize, ld: usize, cols: i32, depth: i32, width: i32, to: usize): void {
  for (let j: i32 = 0; j < cols; j += width) {
    const whole = j + width <= cols
    for (let p: i32 = 0; p < depth; p++) {
      const source: usize = from + p * ld + (j << 2)
      if (whole) {
        for (let v: i32 = 0; v < width; v += 8) {
          v128.store(to + (v << 2), v128.load(source + (v << 2)))
          v128.store(to + (v << 2), v128.load(source + (v << 2), 16), 16)
        }
      } else {
        for (let v: i32 = 0; v < width; v++) store<f32>(to + (v << 2), j + v < cols ? load<f32>(source + (v << 2)) : 0)
      }
      to += width << 2
    }
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
