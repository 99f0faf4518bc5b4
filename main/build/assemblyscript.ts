/**
 * Vite plugin: `import code from './assembly/fused.ts?assembly=O0'` compiles an AssemblyScript entry while bundling (and under vitest) and
 * gives its WebAssembly bytes as base64, so that no door has to find a file at run time, inside or outside an archive.
 *
 * The number is binaryen's optimization level: tiles are compiled at O0 (see core/kernels/assembly/f32-6x16.ts), the rest at O3.
 * A name that starts with `fused` may use relaxed SIMD. Every module imports one shared memory and brings neither data nor a heap.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, relative, resolve } from 'node:path'
import type { Plugin } from 'vite'

const root = resolve(import.meta.dirname, '../..')
const marker = /\?assembly=O([0-3])$/
/** Before the path from the project's folder: an absolute one would make bundles, and their hashes, depend on where they are built. */
export const assemblyPrefix = '\0assembly:'
/** Usize times i32 is what addresses are made of; memory64 is out of reach anyway. */
const disabledWarning = '201'

export function assemblyScript(): Plugin {
  return {
    name: 'assemblyscript',
    enforce: 'pre',
    resolveId(source, importer) {
      // Vitest asks again with what it was told.
      if (source.startsWith(assemblyPrefix)) return source
      if (!marker.test(source) || !importer) return null
      return `${assemblyPrefix}${relative(root, resolve(dirname(importer), source)).replaceAll('\\', '/')}`
    },
    async load(id) {
      if (!id.startsWith(assemblyPrefix)) return null
      const [path, level] = id.slice(assemblyPrefix.length).split('?assembly=O') as [string, string]
      const file = resolve(root, path)
      const sources = sourcesBeside(file)
      for (const source of sources) this.addWatchFile(source)
      const bytes = await cached(sources, argumentsFor(file, level), file)
      return { code: `export default ${JSON.stringify(Buffer.from(bytes).toString('base64'))}`, moduleType: 'js' }
    },
  }
}

/** All sources of the folder: whatever an entry imports is among them. */
function sourcesBeside(file: string): string[] {
  const folder = dirname(file)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => resolve(folder, name))
}

function argumentsFor(file: string, level: string): readonly string[] {
  const features = basename(file).startsWith('fused') ? 'simd,threads,relaxed-simd' : 'simd,threads'
  return [
    basename(file),
    ...['--outFile', 'out.wasm', '--optimizeLevel', level, '--runtime', 'stub', '--noAssert'],
    ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ...['--enable', features, '--disableWarning', disabledWarning],
  ]
}

/** Compiling takes seconds and every test run asks for it: the bytes are kept under the digest of sources and arguments. */
async function cached(sources: readonly string[], args: readonly string[], file: string): Promise<Uint8Array> {
  const compilerPackage = createRequire(import.meta.url).resolve('assemblyscript/package.json')
  const digest = createHash('sha256').update(readFileSync(compilerPackage)).update(args.join(' '))
  for (const source of sources) digest.update(source.slice(dirname(file).length)).update(readFileSync(source))
  const folder = resolve(dirname(compilerPackage), '../.cache/ghostsvd')
  const path = resolve(folder, `${digest.digest('hex').slice(0, 32)}.wasm`)
  if (existsSync(path)) return readFileSync(path)
  const bytes = await compile(file, args)
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${path}.${process.pid}`, bytes)
  renameSync(`${path}.${process.pid}`, path)
  return bytes
}

/** What is used of the compiler. Its own types declare a second `console` for everybody, so they are not read. */
interface Compiler {
  main(
    args: readonly string[],
    host: { writeFile(name: string, contents: Uint8Array | string): void },
  ): Promise<{ error: Error | null; stdout: unknown; stderr: unknown }>
}
const compilerName: string = 'assemblyscript/asc'

async function compile(file: string, args: readonly string[]): Promise<Uint8Array> {
  const { default: asc }: { default: Compiler } = await import(compilerName)
  let bytes: Uint8Array | null = null
  const { error, stdout, stderr } = await asc.main([...args, '--baseDir', dirname(file)], {
    writeFile(name, contents) {
      if (name === 'out.wasm' && typeof contents !== 'string') bytes = contents
    },
  })
  if (error || !bytes) throw new Error(`${file}: ${error?.message ?? 'no output'}\n${stdout}${stderr}`)
  return bytes
}
