/** Module of the unfused class: 128-bit SIMD as every host has it. */
export { block5x8 } from './f32-5x8'
export { block4x4Double } from './f64-4x4'
