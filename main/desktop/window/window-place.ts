/** Where the window was: its size and place come back, as long as a display is there that shows them. */
import type { BrowserWindow, Rectangle } from 'electron/main'
import { z } from 'zod'
import { jsonFile, type Stored } from '../../host/settings.ts'

const placeSchema = z.object({
  /** In screen coordinates, of the window when it is not maximized; null before the first start. */
  bounds: z
    .object({ x: z.int(), y: z.int(), width: z.int().positive(), height: z.int().positive() })
    .nullable()
    .default(null),
  maximized: z.boolean().default(false),
})
export type WindowPlace = z.infer<typeof placeSchema>

export const storedPlace = (folder: string): Stored<WindowPlace> => jsonFile(folder, 'window.json', placeSchema)

/** At 1280 x 800 everything has its place; below 960 x 640 it has not. */
const usual = { width: 1280, height: 800 }
export const smallest = { width: 960, height: 640 }
/** As much of the window's upper edge as a hand needs to drag it back. */
const handle = { width: 100, height: 30 }

/**
 * Size, and place where one is to be kept: null lets the system choose.
 * @param displays the work areas there are now; at least one
 */
export function placeWindow(
  { bounds }: WindowPlace,
  displays: readonly Rectangle[],
): {
  readonly width: number
  readonly height: number
  readonly place: { readonly x: number; readonly y: number } | null
} {
  if (!bounds) return { ...usual, place: null }
  const home = displays.find((display) => reachable(bounds, display))
  const room = home ?? displays[0]!
  return {
    // A display may have become smaller than the window; the window's own least size is the system's to hold.
    width: Math.max(smallest.width, Math.min(bounds.width, room.width)),
    height: Math.max(smallest.height, Math.min(bounds.height, room.height)),
    place: home ? { x: bounds.x, y: bounds.y } : null,
  }
}

/** Whether enough of the upper edge lies on this display. */
function reachable(bounds: Rectangle, display: Rectangle): boolean {
  const across = Math.min(bounds.x + bounds.width, display.x + display.width) - Math.max(bounds.x, display.x)
  return across >= handle.width && bounds.y >= display.y && bounds.y + handle.height <= display.y + display.height
}

/** Writes the place down as the window closes. Answers with the way to do so before the process ends, and to wait for it. */
export function keepPlace(window: BrowserWindow, stored: Stored<WindowPlace>): () => Promise<void> {
  let saved: Promise<void> = Promise.resolve()
  function save(): Promise<void> {
    // Normal bounds: those to come back to from maximized or full screen.
    const place: WindowPlace = { bounds: window.getNormalBounds(), maximized: window.isMaximized() }
    // A folder that cannot be written is no reason to stay open.
    saved = stored.update(() => place).catch(() => {})
    return saved
  }
  window.on('close', () => void save())
  return () => (window.isDestroyed() ? saved : save())
}
