import { describe, expect, it } from 'vitest'
import { browserCommand } from '../../main/browser.ts'

const url = 'http://127.0.0.1:5000/?token=x'
const only =
  (...names: string[]) =>
  async (name: string) =>
    names.includes(name) ? `/usr/bin/${name}` : null
const linux = { environment: { DISPLAY: ':0' }, platform: 'linux' as const, root: false }

describe('the browser for the loopback page', () => {
  it('is a Chromium in a window of its own where there is one', async () => {
    expect(await browserCommand(url, { ...linux, which: only('google-chrome', 'xdg-open') })).toEqual([
      '/usr/bin/google-chrome',
      `--app=${url}`,
      '--window-size=1280,800',
    ])
  })

  it("is else the system's", async () => {
    expect(await browserCommand(url, { ...linux, which: only('xdg-open') })).toEqual(['/usr/bin/xdg-open', url])
    expect(await browserCommand(url, { environment: {}, platform: 'darwin', root: false, which: only() })).toEqual([
      'open',
      url,
    ])
    expect(await browserCommand(url, { environment: {}, platform: 'win32', root: false, which: only() })).toEqual([
      'rundll32',
      'url.dll,FileProtocolHandler',
      url,
    ])
  })

  it('is no Chromium for root, which it refuses', async () => {
    const opening = { ...linux, root: true, which: only('chromium', 'xdg-open') }
    expect(await browserCommand(url, opening)).toEqual(['/usr/bin/xdg-open', url])
  })

  it('is none without a display, or without a program', async () => {
    expect(
      await browserCommand(url, { environment: {}, platform: 'linux', root: false, which: only('chromium') }),
    ).toBeNull()
    expect(await browserCommand(url, { ...linux, which: only() })).toBeNull()
    expect(
      await browserCommand(url, { ...linux, environment: { WAYLAND_DISPLAY: 'w' }, which: only('xdg-open') }),
    ).not.toBeNull()
  })
})
