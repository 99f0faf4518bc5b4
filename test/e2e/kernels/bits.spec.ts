/** The same modules give the same bits in Node and in Chromium, with and without the re-vectorizer. */
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, expect, test } from '@playwright/test'
import { build } from 'vite'
import { assemblyScript } from '../../../main/build/assemblyscript.ts'
import { findBrowser } from '../set-up/find-program.ts'
import type { digests } from './digests.ts'

type Digests = Awaited<ReturnType<typeof digests>>
const choices = ['simd', 'relaxed', 'revectorized'] as const

/** digests.ts and all it needs as one module. */
async function bundle(): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [assemblyScript()],
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      lib: { entry: fileURLToPath(new URL('./digests.ts', import.meta.url)), formats: ['es'] },
    },
  })
  const [first] = Array.isArray(output) ? output : [output]
  if (!first || !('output' in first)) throw new Error('vite gave no output')
  return first.output[0].code
}

async function inChromium(browser: Browser, code: string): Promise<Digests[]> {
  const page = await browser.newPage()
  // Shared memory is given only to pages that are isolated from other origins.
  const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
  await page.route('http://localhost/**', (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ headers, contentType: 'text/javascript', body: code })
      : route.fulfill({ headers, contentType: 'text/html', body: '<!doctype html>' }),
  )
  await page.goto('http://localhost/')
  return page.evaluate(async (wanted) => {
    const module: { digests: typeof digests } = await import(`${location.origin}/kernels.js`)
    const found: Digests[] = []
    for (const choice of wanted) found.push(await module.digests(choice))
    return found
  }, choices)
}

test('Node and Chromium agree bit for bit', async ({ browserName }, { project }) => {
  test.skip(project.name !== 'loopback' || browserName !== 'chromium', 'once is enough')
  const code = await bundle()
  const module: { digests: typeof digests } = await import(
    `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
  )
  const node: Digests[] = []
  for (const choice of choices) node.push(await module.digests(choice))
  expect(node[2]).toEqual(node[1])
  const executablePath = findBrowser()
  for (const flags of [[], ['--js-flags=--wasm-revectorize']]) {
    const browser = await chromium.launch({
      args: ['--no-sandbox', ...flags],
      ...(executablePath ? { executablePath } : {}),
    })
    try {
      expect(await inChromium(browser, code)).toEqual(node)
    } finally {
      await browser.close()
    }
  }
})
