/** What a hostile page would try first, tried in the real window: it stays where it is, and nobody outside hears of it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from '@playwright/test'
import { openSample } from '../page/driving.ts'
import type { Desktop } from '../set-up/desktop.ts'
import { expect, test } from '../set-up/fixtures.ts'

let server: Server
let elsewhere: string
const heard: string[] = []

test.beforeAll(async () => {
  server = createServer((request, response) => {
    heard.push(request.url!)
    response.setHeader('access-control-allow-origin', '*').end('elsewhere')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
test.afterAll(() => server.close())

const windows = ({ application }: Desktop) =>
  application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)
/** Asked of the page itself: its driver waits for navigations that were refused. */
const stays = (page: Page) =>
  expect.poll(() => page.evaluate(() => document.body.innerText)).toContain('Try the sample')

test('it cannot be led away: by script, link, form or frame', async ({ page, desktop, violations, faults }) => {
  await page.evaluate((url) => {
    location.href = url
    location.assign(url)
    const link = document.createElement('a')
    link.href = url
    document.body.append(link)
    link.click()
    const form = document.createElement('form')
    form.action = url
    document.body.append(form)
    form.submit()
    const frame = document.createElement('iframe')
    frame.src = url
    document.body.append(frame)
  }, elsewhere)
  await page.waitForTimeout(500)
  expect(page.url()).toBe('app://ghostsvd/')
  await stays(page)
  expect(await windows(desktop!)).toBe(1)
  expect(heard).toEqual([])
  violations.length = faults.length = 0
})

test('it opens no window; the system’s browser is sent to the hosts on the list alone', async ({
  page,
  desktop,
  faults,
}) => {
  const opened = () => desktop!.application.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)
  await desktop!.application.evaluate(({ shell }) => {
    const urls: string[] = []
    Object.assign(globalThis, { opened: urls })
    shell.openExternal = async (url) => void urls.push(url)
  })
  const answers = await page.evaluate(
    (urls) => urls.map((url) => window.open(url)),
    [
      elsewhere,
      'about:blank',
      'app://ghostsvd/',
      'file:///etc/passwd',
      'https://evil.example/',
      'https://arxiv.org/abs/0909.4061',
    ],
  )
  expect(answers).toEqual([null, null, null, null, null, null])
  expect(await opened()).toEqual(['https://arxiv.org/abs/0909.4061'])
  expect(await windows(desktop!)).toBe(1)
  expect(heard).toEqual([])
  // Chromium's own word on the file: URL.
  expect(faults).toEqual(['Not allowed to load local resource: file:///etc/passwd'])
  faults.length = 0
})

test('it has no permission and no device', async ({ page, faults }) => {
  const asked = await page.evaluate(async () => {
    const name = (error: unknown) => (error as Error).name
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true }).then(() => 'given', name)
    const place = await new Promise((resolve) =>
      navigator.geolocation.getCurrentPosition(
        () => resolve('given'),
        () => resolve('denied'),
      ),
    )
    const clipboard = await navigator.clipboard.readText().then(() => 'given', name)
    const notification = await Notification.requestPermission()
    const states: Record<string, string> = {}
    for (const permission of ['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'persistent-storage'])
      states[permission] = (await navigator.permissions.query({ name: permission as PermissionName })).state
    return { media, place, clipboard, notification, states: [...new Set(Object.values(states))] }
  })
  expect(asked).toMatchObject({
    place: 'denied',
    clipboard: 'NotAllowedError',
    notification: 'denied',
    states: ['denied'],
  })
  // No camera in most machines that test: "not found" may come before "not allowed".
  expect(asked.media).toMatch(/^Not(Allowed|Found)Error$/)
  faults.length = 0
})

test('a click may put a picture on the clipboard', async ({ page, desktop }) => {
  await openSample(page)
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('menuitem', { name: 'Copy picture' }).click()
  const isThere = () =>
    desktop!.application.evaluate(({ clipboard }) => {
      // As Electron 25 tells it, whose runtime drives these tests where that of today is not to be had.
      const older = clipboard as unknown as { availableFormats?(): string[] }
      return older.availableFormats?.().includes('image/png') ?? clipboard.has('image/png')
    })
  await expect.poll(isThere).toBe(true)
})

test('its session asks nobody outside, whoever in it asks', async ({ page, desktop }) => {
  await stays(page)
  // Below the page's own policy: as if that had been broken.
  const answer = await desktop!.application.evaluate(
    ({ session }, url) =>
      session.defaultSession.fetch(url).then(
        () => 'fetched',
        (error: Error) => error.message,
      ),
    elsewhere,
  )
  expect(answer).toContain('ERR_BLOCKED_BY_CLIENT')
  const loaded = await desktop!.application.evaluate(async ({ BrowserWindow }, url) => {
    const window = new BrowserWindow({ show: false })
    const outcome = await window.loadURL(url).then(
      () => 'loaded',
      (error: Error) => error.message,
    )
    window.destroy()
    return outcome
  }, elsewhere)
  expect(loaded).toContain('ERR_BLOCKED_BY_CLIENT')
  expect(heard).toEqual([])
})
