/** By which door a page came to its host. Only what a user does differently there asks. */
import type { Page } from '@playwright/test'
import type { Desktop } from './desktop.ts'

const desktops = new WeakMap<Page, Desktop>()

export const enterThrough = (page: Page, desktop: Desktop): void => void desktops.set(page, desktop)

/** The application that shows this page; undefined behind the loopback host. */
export const desktopOf = (page: Page): Desktop | undefined => desktops.get(page)
