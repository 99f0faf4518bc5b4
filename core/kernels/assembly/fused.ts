/** Module of the fused class: every product enters its sum with one rounding. `isFused` tells whether this machine really does so. */
export { block6x16 } from './f32-6x16'
export { block6x8 } from './f32-6x8'
export { block6x8Double } from './f64-6x8'
export { block6x4Double } from './f64-6x4'

/** (1 + e)(1 - e) - 1 for e = 2^-12 is -2^-24 with one rounding and 0 with two: the argument comes from outside so that nothing folds it away. */
export function isFused(e: f32): bool {
  const product = f32x4.relaxed_madd(f32x4.splat(1 + e), f32x4.splat(1 - e), f32x4.splat(-1))
  return f32x4.extract_lane(product, 0) != 0
}
