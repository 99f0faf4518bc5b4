/** The tiles at the right and lower rim of C: computed whole into scratch, then the part that exists is added to C. Same sums, same bits. */

export function mergeEdge(edge: usize, ldEdge: usize, c: usize, ldc: usize, rows: i32, cols: i32, add: i32): void {
  for (let i: i32 = 0; i < rows; i++) {
    for (let j: i32 = 0; j < cols; j++) {
      const at: usize = c + i * ldc + (j << 2)
      const sum = load<f32>(edge + i * ldEdge + (j << 2))
      store<f32>(at, add ? sum + load<f32>(at) : sum)
    }
  }
}

export function mergeEdgeDouble(edge: usize, ldEdge: usize, c: usize, ldc: usize, rows: i32, cols: i32, add: i32): void {
  for (let i: i32 = 0; i < rows; i++) {
    for (let j: i32 = 0; j < cols; j++) {
      const at: usize = c + i * ldc + (j << 3)
      const sum = load<f64>(edge + i * ldEdge + (j << 3))
      store<f64>(at, add ? sum + load<f64>(at) : sum)
    }
  }
}
