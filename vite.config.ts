/** One configuration builds everything: the page, and the node entries (doors, engine, driver, team). */
import { builtinModules } from 'node:module'
import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { assemblyScript } from './main/build/assemblyscript.ts'
import { icons } from './main/build/icons.ts'
import { licenses } from './main/build/licenses.ts'

const at = (path: string) => resolve(import.meta.dirname, path)
const external = ['electron', 'onnxruntime-node', 'webgpu', /^electron\//, ...builtinModules, /^node:/]
const node = {
  consumer: 'server' as const,
  resolve: {
    noExternal: true as const,
    external: ['electron', 'onnxruntime-node', 'webgpu'],
    conditions: ['node', 'import', 'module', 'default'],
  },
}

const preload = (name: string, entry: string) => ({
  ...node,
  build: {
    outDir: at('out/main'),
    emptyOutDir: false,
    sourcemap: true,
    target: 'node24',
    minify: false,
    rolldownOptions: {
      external,
      input: { [name]: at(entry) },
      output: { format: 'cjs' as const, entryFileNames: '[name].cjs' },
    },
  },
})

export default defineConfig({
  root: at('renderer'),
  base: './',
  plugins: [
    react(),
    assemblyScript(),
    licenses(at('out/renderer/licenses.txt')),
    icons(at('renderer/icon.svg'), at('out/icons'), at('out/main/icon.png')),
  ],
  // The host replaces this placeholder by a fresh nonce in every response (main/host/assets.ts).
  html: { cspNonce: 'ghostsvd-nonce' },
  builder: {
    async buildApp(builder) {
      for (const environment of Object.values(builder.environments)) await builder.build(environment)
    },
  },
  environments: {
    client: {
      build: {
        outDir: at('out/renderer'),
        emptyOutDir: true,
        // Hosts do not serve maps, so the page does not name them.
        sourcemap: 'hidden',
        // Every browser that has this page's CSS knows modulepreload.
        modulePreload: { polyfill: false },
        rolldownOptions: { input: at('renderer/index.html') },
      },
    },
    node: {
      ...node,
      build: {
        outDir: at('out/main'),
        emptyOutDir: true,
        sourcemap: true,
        target: 'node20',
        minify: false,
        rolldownOptions: {
          external,
          input: {
            cli: at('main/cli.ts'),
            start: at('main/start.ts'),
            electron: at('main/electron.ts'),
            engine: at('main/engine/engine.ts'),
            driver: at('main/engine/driver.ts'),
            team: at('main/engine/team.ts'),
            runtime: at('main/engine/runtime.ts'),
            relay: at('main/engine/relay.ts'),
            device: at('main/engine/device.ts'),
          },
          output: {
            format: 'es',
            entryFileNames: '[name].js', // Chunks lie beside the entries, so that import.meta.dirname is out/main in every module.
            chunkFileNames: '[name]-[hash].js',
          },
        },
      },
    },
    // A sandboxed preload cannot be an ES module.
    preload: preload('preload', 'main/desktop/page/preload.ts'),
    devicePreload: preload('device-preload', 'main/desktop/device/preload.ts'),
    // The script of the window that is a GPU: a page's, without imports.
    deviceWindow: {
      ...node,
      build: {
        outDir: at('out/main'),
        emptyOutDir: false,
        sourcemap: true,
        target: 'chrome114',
        minify: false,
        rolldownOptions: {
          input: { 'device-window': at('main/engine/device-window.ts') },
          output: { format: 'es', entryFileNames: '[name].js' },
        },
      },
    },
  },
})
