/**
 * The unit tests for a system that cannot bundle them itself (rolldown's binding does not start under Wine): each test file becomes one
 * ES module with what it imports. vitest stays outside, and is found in the project's node_modules.
 */
import { readdirSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'vite'
import { assemblyScript } from '../../main/build/assemblyscript.ts'
import { windowsPath } from './wine.ts'

export const root = resolve(import.meta.dirname, '../..')

/** Modules that must not be bundled: they run the tests, or are programs of the system that builds. */
const outside = ['vitest', 'fast-check', /^electron/, /^vite(\/|$)/, /^@?playwright/, /^assemblyscript/, /^node:/]

/** Paths of all unit tests, from the project's folder. */
export function unitTests(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('test/e2e/') && !path.startsWith('test/bench/'))
    .sort()
}

/** The name of a test's module. */
export function bundleName(test: string): string {
  return test.replaceAll('/', '__').replace(/\.ts$/, '.mjs')
}

export async function bundle(tests: readonly string[], folder: string): Promise<void> {
  const input = Object.fromEntries(tests.map((test) => [bundleName(test).replace(/\.mjs$/, ''), join(root, test)]))
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    plugins: [sources, assemblyScript()],
    ssr: { noExternal: true, external: ['vitest'] },
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      target: 'node22',
      copyPublicDir: false,
      rolldownOptions: {
        input,
        external: [...outside, ...builtinModules],
        output: { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' },
      },
    },
  })
}

/** A module says where its source lies, not its bundle: in paths of Windows, which sees this system as drive Z:. */
const sources: Plugin = {
  name: 'sources',
  enforce: 'pre',
  transform(code, id) {
    if (!id.startsWith(root) || id.includes('node_modules') || !code.includes('import.meta')) return null
    const file = id.split('?')[0]!
    const said: Record<string, string> = {
      url: `file:///Z:${file}`,
      filename: windowsPath(file),
      dirname: windowsPath(join(file, '..')),
    }
    const placed = code.replace(/import\.meta\.(url|filename|dirname)\b/g, (_, key: string) =>
      JSON.stringify(said[key]),
    )
    return { code: placed, map: null }
  },
}
