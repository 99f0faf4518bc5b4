/** `npm start` where Electron's runtime is absent, and the loopback host's life from the outside. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { socketPath, socketProtocol } from '../../../core/contract.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { root, serveProcess } from '../set-up/serving.ts'

test('npm start says in one line why it is not Electron, prints the link, and ends on Ctrl+C', async ({
  browser,
  folder,
}) => {
  const temporary = join(folder, 'tmp')
  await mkdir(temporary)
  const environment: NodeJS.ProcessEnv = { ...process.env, GHOSTSVD_CONFIG: join(folder, 'config'), TMPDIR: temporary }
  // A runtime that is not there, and no display to open a browser on.
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...headless } = environment
  const child = spawn(process.execPath, [join(root, 'out/main/start.js'), folder], {
    env: { ...headless, ELECTRON_OVERRIDE_DIST_PATH: join(folder, 'no-runtime') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  await expect.poll(() => lines.length).toBe(3)
  expect(lines[0]).toBe(
    `Electron's runtime cannot be used (there is no ${join(folder, 'no-runtime', 'electron')}); the page opens in a browser instead.`,
  )
  expect(lines[1]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/)
  const page = await browser.newPage()
  await page.goto(lines[1]!)
  await expect(page.getByRole('button', { name: 'Try the sample' })).toBeEnabled()
  expect(page.url()).toBe(`${new URL(lines[1]!).origin}/`)
  expect(readdirSync(temporary)).toEqual([expect.stringMatching(/^ghostsvd-/)])
  await page.close()

  child.kill('SIGINT')
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0)
  expect(readdirSync(temporary)).toEqual([])
})

test('two hosts in one browser leave each other alone', async ({ browser, folder }) => {
  const hosts = await Promise.all(['a', 'b'].map((name) => serveProcess([folder], join(folder, name))))
  const context = await browser.newContext()
  for (const { url } of [...hosts, ...hosts]) {
    const page = await context.newPage()
    await page.goto(url)
    await expect(page.locator('[data-engine="ready"]')).toBeVisible()
  }
  for (const page of context.pages()) {
    await page.reload()
    await expect(page.locator('[data-engine="ready"]')).toBeVisible()
  }
  await context.close()
  expect(await Promise.all(hosts.map((host) => host.stop()))).toEqual([0, 0])
})

test('the server of another user, which the same browser visits, learns nothing that opens a way in', async ({
  browser,
  server,
}) => {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(server!.url)
  await expect(page.locator('[data-engine="ready"]')).toBeVisible()
  const { origin, host, hostname } = new URL(page.url())
  let learned: IncomingHttpHeaders = {}
  const other = createServer(({ headers, url }, response) => {
    if (url === '/') learned = headers
    response.setHeader('content-type', 'text/html').end('<title>mail</title>')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  await page.goto(`http://${hostname}:${(other.address() as AddressInfo).port}/`)
  const seen = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie, document.referrer]))
  await new Promise((resolve) => other.close(resolve).closeAllConnections())

  // A browser knows no ports where it sends cookies: that much it has told.
  const { cookie = '' } = learned
  expect(cookie).toMatch(/^ghostsvd-\d+=[\w-]{43}$/)
  expect(seen).toBe('[{},"",""]')
  const refused = await new Promise((resolve) =>
    new WebSocket(`ws://${host}${socketPath}`, [socketProtocol], { origin, headers: { cookie } })
      .on('open', () => resolve('let in'))
      .on('error', ({ message }) => resolve(message)),
  )
  expect(refused).toBe('Unexpected server response: 403')
  const target = `${origin}/upload?drop=d&name=x.npy`
  expect((await fetch(target, { method: 'POST', headers: { cookie, origin }, body: 'x' })).status).toBe(403)
  // Its own page comes back without the link.
  await page.goto(origin)
  await expect(page.locator('[data-engine="ready"]')).toBeVisible()
  await context.close()
})

test('a page without the link shows why, and nothing else', async ({ browser, server }) => {
  const page = await browser.newPage()
  const reply = await page.goto(new URL('/', server!.url).href)
  expect(reply!.status()).toBe(403)
  await expect(page.locator('body')).toHaveText('Open the link that was printed in the terminal.')
  await page.close()
})

test('what was uploaded goes when the host ends', async ({ browser, folder }) => {
  const temporary = join(folder, 'tmp')
  await mkdir(temporary)
  const before = process.env.TMPDIR
  process.env.TMPDIR = temporary
  const host = await serveProcess([folder], join(folder, 'config')).finally(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  const page = await browser.newPage()
  await page.goto(host.url)
  const grant = await page.evaluate(async () => {
    const headers = { authorization: `Bearer ${localStorage.getItem('ghostsvd.page-key')}` }
    const reply = await fetch('/upload?drop=d&name=x.npy', { method: 'POST', headers, body: new Uint8Array(1e6) })
    return reply.json()
  })
  expect(grant).toMatchObject({ name: 'x.npy', kind: 'file', byteLength: 1e6 })
  expect(readdirSync(temporary, { recursive: true }).map(String)).toContainEqual(
    expect.stringMatching(/uploads\/drop-d\/x\.npy$/),
  )
  await page.close()
  expect(await host.stop()).toBe(0)
  expect(readdirSync(temporary)).toEqual([])
})
