/** What axe says of a screen. */
import AxeBuilder from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

const standard = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']

/**
 * Fails when axe finds anything, of whatever impact, against WCAG 2.2 AA; leaves the page in the light theme. The themes differ in colors and
 * nothing else (tokens.css), so of the dark one only its contrast is looked at; `npm run states -- FOLDER axe` asks everything of both.
 */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  await inTheme(page, 'dark')
  expect(await violations(page, (axe) => axe.withRules('color-contrast')), `${where}, dark`).toEqual([])
  expect(await paleEdges(page), `${where}, dark`).toEqual([])
  expect(await violationsIn(page, 'light'), `${where}, light`).toEqual([])
}

/** All that the standard asks, in this theme. */
export async function violationsIn(page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> {
  await inTheme(page, colorScheme)
  return [...(await violations(page, (axe) => axe.withTags(standard))), ...(await paleEdges(page))]
}

/** Fields and boxes whose edge is nearer than 3 : 1 to what is inside and around them (WCAG 1.4.11), which axe does not look at. */
function paleEdges(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const rgb = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number)
    const luminance = (color: string) => {
      const [r, g, b] = rgb(color).map((part) => {
        const share = part / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
    }
    const groundOf = (one: Element): string => {
      for (let at = one.parentElement; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor
        if ((rgb(color)[3] ?? 1) === 1) return color
      }
      return 'rgb(255, 255, 255)'
    }
    const boxes = '.mantine-Checkbox-input, .mantine-Radio-radio, .mantine-RadioIndicator-indicator'
    const fields = `.mantine-Input-input:not([data-variant="unstyled"]), ${boxes}`
    return [...document.querySelectorAll(fields)].flatMap((field) => {
      if (field.matches(':disabled, :disabled *') || !field.checkVisibility()) return []
      const { borderTopColor, backgroundColor } = getComputedStyle(field)
      const edge = luminance(borderTopColor)
      const contrast = Math.max(
        ...[backgroundColor, groundOf(field)]
          .map(luminance)
          .map((ground) => (Math.max(edge, ground) + 0.05) / (Math.min(edge, ground) + 0.05)),
      )
      return contrast >= 3 ? [] : [`edge ${contrast.toFixed(1)}: ${field.outerHTML.slice(0, 200)}`]
    })
  })
}

async function inTheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  // What still fades in has the contrast of neither of its states.
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every(
        ({ playState, effect }) =>
          playState !== 'running' || effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY,
      ),
  )
}

async function violations(page: Page, limited: (axe: AxeBuilder) => AxeBuilder): Promise<string[]> {
  // It would open a page of its own to put results of frames together: there are no frames, Electron opens none, and this one would be in the background.
  const axe = limited(new AxeBuilder({ page }).setLegacyMode())
  const { violations } = await axe.analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
}
