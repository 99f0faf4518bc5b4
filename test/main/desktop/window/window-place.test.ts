import { describe, expect, it } from 'vitest'
import { placeWindow } from '../../../../main/desktop/window/window-place.ts'

const screen = { x: 0, y: 0, width: 1920, height: 1040 }
const second = { x: 1920, y: -200, width: 1600, height: 900 }
const at = (x: number, y: number, width = 1280, height = 800) => ({ bounds: { x, y, width, height }, maximized: false })

describe('the window', () => {
  it('has the usual size where nothing was kept, and the system finds its place', () => {
    expect(placeWindow({ bounds: null, maximized: false }, [screen])).toEqual({ width: 1280, height: 800, place: null })
  })

  it('comes back to where it was, on any display there is', () => {
    expect(placeWindow(at(100, 50, 1000, 700), [screen])).toEqual({
      width: 1000,
      height: 700,
      place: { x: 100, y: 50 },
    })
    expect(placeWindow(at(2000, -100), [screen, second]).place).toEqual({ x: 2000, y: -100 })
  })

  it.each([
    ['a display that is gone', at(2000, -100)],
    ['too far right', at(1900, 100)],
    ['too far left', at(-1250, 100)],
    ['above the screen, where it cannot be dragged', at(100, -20)],
    ['below', at(100, 1030)],
  ])('keeps its size and not its place: %s', (_why, before) => {
    expect(placeWindow(before, [screen])).toEqual({ width: 1280, height: 800, place: null })
  })

  it('is no larger than a display that has become smaller, and no smaller than its page can be', () => {
    const small = { x: 0, y: 0, width: 1024, height: 600 }
    expect(placeWindow(at(0, 0, 1900, 1000), [small])).toEqual({ width: 1024, height: 640, place: { x: 0, y: 0 } })
  })
})
