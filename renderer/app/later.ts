/**
 * What the first paint waits for is the first screen alone; the others, with charts and tables, come right after it as one more script. A store
 * of its own and not React's `lazy`, which would keep a screen that has come back for up to 300 ms.
 */
import { create } from 'zustand'
import { type ErrorReport, toErrorReport } from '../../core/errors.ts'

type Screens = typeof import('./screens.ts')

interface LaterState {
  /** null until they have come. */
  readonly screens: Screens | null
  /** Why they did not. */
  readonly fault: ErrorReport | null
}

export const useLater = create<LaterState>(() => ({ screens: null, fault: null }))

/** Called once the first screen is painted. What goes wrong is said where a screen is missing. */
export async function fetchScreens(): Promise<void> {
  try {
    useLater.setState({ screens: await import('./screens.ts'), fault: null })
  } catch (error) {
    useLater.setState({ fault: toErrorReport(error) })
  }
}
