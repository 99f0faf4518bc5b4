import { defineConfig } from 'vitest/config'
import { assemblyScript } from './main/build/assemblyscript.ts'

export default defineConfig({
  plugins: [assemblyScript()],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/build.ts',
    exclude: ['test/e2e/**', 'test/bench/**'],
    testTimeout: 30_000,
    // By default one core is left to the terminal: on two, half the machine.
    maxWorkers: '100%',
  },
})
