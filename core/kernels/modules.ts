/** The compiled WebAssembly modules: small, inlined into the bundle, compiled once and shared by all threads. */
import common from './assembly/common.ts?assembly=O3'
import fused from './assembly/fused.ts?assembly=O0'
import fusedEigen from './assembly/fused-eigen.ts?assembly=O3'
import plain from './assembly/plain.ts?assembly=O0'
import plainEigen from './assembly/plain-eigen.ts?assembly=O3'

/** `fused` and `fusedEigen` are null where the engine lacks relaxed SIMD (Node 20). Crosses threads by structured clone. */
export interface Modules {
  readonly common: WebAssembly.Module
  readonly plain: WebAssembly.Module
  readonly plainEigen: WebAssembly.Module
  readonly fused: WebAssembly.Module | null
  readonly fusedEigen: WebAssembly.Module | null
}

export async function compileModules(): Promise<Modules> {
  return {
    common: await WebAssembly.compile(bytesOf(common)),
    plain: await WebAssembly.compile(bytesOf(plain)),
    plainEigen: await WebAssembly.compile(bytesOf(plainEigen)),
    fused: await compileWhereValid(fused),
    fusedEigen: await compileWhereValid(fusedEigen),
  }
}

async function compileWhereValid(base64: string): Promise<WebAssembly.Module | null> {
  const bytes = bytesOf(base64)
  return WebAssembly.validate(bytes) ? WebAssembly.compile(bytes) : null
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
