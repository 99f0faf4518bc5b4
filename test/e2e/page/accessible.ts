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
  expect(await violationsIn(page, 'light'), `${where}, light`).toEqual([])
}

/** All that the standard asks, in this theme. */
export async function violationsIn(page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> {
  await inTheme(page, colorScheme)
  return violations(page, (axe) => axe.withTags(standard))
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
