/** What axe says of a screen. */
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { desktopOf } from '../set-up/doors.ts'
import { expect } from '../set-up/fixtures.ts'

/** In both themes, one after the other. */
export async function expectAccessibleInBoth(page: Page, where: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await expectAccessible(page, `${where}, ${colorScheme}`)
  }
}

/** Fails when axe finds anything, of whatever impact, against WCAG 2.2 AA. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // What still fades in has the contrast of neither of its states.
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every(
        ({ playState, effect }) =>
          playState !== 'running' || effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY,
      ),
  )
  const { violations } = await new AxeBuilder({ page })
    // It would open a page of its own to put results of frames together; there are no frames, and Electron opens none.
    .setLegacyMode(desktopOf(page) !== undefined)
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    .analyze()
  const bad = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
  expect(bad, where).toEqual([])
}
