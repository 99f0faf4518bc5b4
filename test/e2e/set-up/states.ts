/**
 * `npm run states -- FOLDER [LOOK ...]`: a picture of every screen in every state, in every look, and sheets of them side by side: for people
 * who review how the page looks. The look `axe` takes none, and says what axe finds in each state, in both themes. Run `npm run build` before.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from '@playwright/test'
import { violationsIn } from '../page/accessible.ts'
import { findBrowser } from './find-program.ts'
import { serveProcess } from './serving.ts'
import { type Language, walk } from './tour.ts'

interface Look {
  readonly scheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
}
/** What one walk in English is seen in, one after the other, at each state; a screen of 1280 at 200 % zoom has 640. */
const looks: Readonly<Record<string, Look>> = {
  light: { scheme: 'light', width: 1280, height: 800 },
  dark: { scheme: 'dark', width: 1280, height: 800 },
  wide: { scheme: 'light', width: 1920, height: 1080 },
  small: { scheme: 'light', width: 960, height: 640 },
  zoomed: { scheme: 'light', width: 640, height: 400 },
}
/** Below this width cards stack, and the page scrolls. */
const narrow = 760
/** So many pictures beside and below each other on a sheet. */
const across = 3
const down = 3
const column = 640
/** Another walk, in the light. */
const chinese = 'zh-CN'
/** No picture: what axe finds. */
const audit = 'axe'

const [out = 'states', ...asked] = process.argv.slice(2)
const wanted = asked.length > 0 ? asked : [...Object.keys(looks), chinese]
const looksOf = (language: Language) => (language === chinese ? ['light'] : wanted.filter((look) => looks[look]))
const named = (language: Language, look: string) => (language === chinese ? chinese : look)

const languages: Language[] = [
  ...(looksOf('en').length > 0 || wanted.includes(audit) ? ['en' as const] : []),
  ...(wanted.includes(chinese) ? ([chinese] as const) : []),
]
const executablePath = findBrowser()
// Headless, it hides the scrollbars that everybody else sees.
const ignoreDefaultArgs = ['--hide-scrollbars']
const browser = await chromium.launch({ ignoreDefaultArgs, ...(executablePath && { executablePath }) })
for (const language of languages) await picturesIn(browser, language)
await browser.close()

async function picturesIn(browser: Browser, language: Language): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-states-'))
  const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
  const server = await serveProcess([folder], config)
  const { light } = looks
  // axe opens a page of its own beside it, which a page without a context of its own cannot have.
  const context = await browser.newContext({ locale: language, viewport: light!, reducedMotion: 'reduce' })
  const page = await context.newPage()
  // Others may use the machine.
  page.setDefaultTimeout(300_000)
  for (const look of looksOf(language)) await mkdir(join(out, named(language, look)), { recursive: true })
  let count = 0
  let found = 0
  try {
    await walk({
      page,
      folder,
      server,
      language,
      shot: async (name) => {
        const file = `${String(++count).padStart(2, '0')}-${name}.png`
        for (const look of looksOf(language)) await picture(page, looks[look]!, join(out, named(language, look), file))
        if (wanted.includes(audit) && language === 'en')
          for (const scheme of ['dark', 'light'] as const)
            for (const violation of await violationsIn(page, scheme)) {
              found++
              console.log(`axe ${name}, ${scheme}: ${violation}`)
            }
        await show(page, light!)
        console.log(`${language} ${file}`)
      },
    })
  } finally {
    await page.screenshot({ path: join(out, `last-${language}.png`) })
    server.process.kill('SIGKILL')
    await context.close()
    for (const used of [folder, config]) await rm(used, { recursive: true, force: true })
  }
  if (wanted.includes(audit) && language === 'en') console.log(`axe: ${count} states in 2 themes, ${found} violations`)
  for (const look of looksOf(language)) await sheets(browser, named(language, look), looks[look]!)
}

async function show(page: Page, { scheme, width, height }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await page.setViewportSize({ width, height })
}

async function picture(page: Page, look: Look, path: string): Promise<void> {
  await show(page, look)
  await page.mouse.move(0, 0)
  // Zoomed in the page scrolls: all of it is to be seen.
  await page.screenshot({ path, animations: 'disabled', fullPage: look.width < narrow })
}

async function sheets(browser: Browser, look: string, { width, height }: Look): Promise<void> {
  const files = (await readdir(join(out, look))).filter((name) => name.endsWith('.png')).toSorted()
  const row = Math.round((column * height) / width) + 24
  const page = await browser.newPage({ viewport: { width: across * column, height: down * row } })
  for (let first = 0; first < files.length; first += across * down) {
    const figures = files.slice(first, first + across * down).map((name) => {
      const source = pathToFileURL(resolve(out, look, name)).href
      return `<figure><img src="${source}"><figcaption>${name}</figcaption></figure>`
    })
    const style = `body{margin:0;display:grid;grid-template-columns:repeat(${across},${column}px);font:14px sans-serif}
      figure{margin:0}img{width:${column - 8}px;display:block}`
    const sheet = resolve(out, `sheet-${look}.html`)
    await writeFile(sheet, `<!doctype html><style>${style}</style>${figures.join('')}`)
    await page.goto(pathToFileURL(sheet).href)
    await page.screenshot({ path: join(out, `sheet-${look}-${1 + first / (across * down)}.png`), fullPage: true })
    await rm(sheet)
  }
  await page.close()
}
