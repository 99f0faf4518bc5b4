/** The compiled WebAssembly modules: small, inlined into the bundle, compiled once and shared by all threads. */
import common from './assembly/common.ts?assembly=O3'
import fused from './assembly/fused.ts?assembly=O0'
import plain from './assembly/plain.ts?assembly=O0'

/** `fused` is null where the engine lacks relaxed SIMD (Node 20). Crosses threads by structured clone. */
export interface Modules {
  readonly common: WebAssembly.Module
  readonly plain: WebAssembly.Module
  readonly fused: WebAssembly.Module | null
}

export async function compileModules(): Promise<Modules> {
  const fusedBytes = bytesOf(fused)
  return {
    common: await WebAssembly.compile(bytesOf(common)),
    plain: await WebAssembly.compile(bytesOf(plain)),
    fused: WebAssembly.validate(fusedBytes) ? await WebAssembly.compile(fusedBytes) : null,
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
