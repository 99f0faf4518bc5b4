/**
 * The built application in a form that the old Electron runs: its modules as CommonJS, since a main process and a utility process of 25 know no
 * other, with what Node 18 lacks (shim.ts); the preloads with the names Electron 25 has. Everything else is the product's own built code.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '../../../..')
const built = (name: string) => join(root, 'out', name)

/** Lays the application, as built into `out`, into `folder`, which is emptied before. */
export async function layOutForOldElectron(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  await bundleMain(join(folder, 'out/main'))
  for (const name of ['preload.cjs', 'device-preload.cjs'])
    writeFileSync(join(folder, 'out/main', name), oldPreload(readFileSync(built(`main/${name}`), 'utf8')))
  cpSync(built('main/device-window.js'), join(folder, 'out/main/device-window.js'))
  cpSync(built('renderer'), join(folder, 'out/renderer'), { recursive: true })
  const { name, productName, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, productName, version, main: 'out/main/electron.js' }),
  )
}

async function bundleMain(folder: string): Promise<void> {
  const entries = ['electron', 'engine', 'driver', 'team', 'runtime'].map((name) => [name, built(`main/${name}.js`)])
  await build({
    configFile: false,
    logLevel: 'error',
    // What knows where it lies asks import.meta, which CommonJS has not.
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'moduleUrl' },
    build: {
      ssr: true,
      outDir: folder,
      target: 'node18',
      minify: false,
      rolldownOptions: {
        input: { shim: join(import.meta.dirname, 'shim.ts'), ...Object.fromEntries(entries) },
        external: [/^electron/, /^node:/, 'onnxruntime-node', ...builtinModules],
        output: {
          format: 'cjs',
          entryFileNames: '[name].js',
          chunkFileNames: '[name]-[hash].js',
          // Before the first module of each: which of two chunks runs first is the bundler's choice.
          banner: ({ name }) =>
            name === 'shim'
              ? ''
              : "require('./shim.js'); const moduleUrl = require('node:url').pathToFileURL(__filename).href",
        },
      },
    },
    ssr: { noExternal: true },
  })
}

/** Electron 25 has no webUtils: a file of the user's carries its path itself. */
const oldPreload = (source: string) => `((require) => {
${source}
})((name) => {
  const { contextBridge, ipcRenderer } = require('electron')
  return name === 'electron/renderer' ? { contextBridge, ipcRenderer, webUtils: { getPathForFile: (file) => file.path } } : require(name)
})
`
