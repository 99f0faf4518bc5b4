/** How what is drawn stands to what is beside it: text on text, and lines of different heights. */
import type { Locator } from '@playwright/test'

/**
 * Texts within an element that cover each other, or a field or an icon that is none of theirs, where a person sees both: as "one | other". What
 * is cut by its box counts as far as it is seen; a hair of two lines that stand close is no overlap.
 */
export function overlaps(within: Locator): Promise<string[]> {
  return within.evaluate((root) => {
    const hair = { x: 1, y: 4 }
    /** What is left of a box by the boxes around it that cut. */
    const seen = (element: Element, { left, top, right, bottom }: DOMRect) => {
      const box = { element, left, top, right, bottom }
      for (
        let around: Element | null = element;
        around && around !== root.parentElement;
        around = around.parentElement
      ) {
        if (getComputedStyle(around).overflow === 'visible') continue
        const edge = around.getBoundingClientRect()
        box.left = Math.max(box.left, edge.left)
        box.top = Math.max(box.top, edge.top)
        box.right = Math.min(box.right, edge.right)
        box.bottom = Math.min(box.bottom, edge.bottom)
      }
      return box
    }
    const boxes: (ReturnType<typeof seen> & { said: string; mark: boolean })[] = []
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const text = texts.currentNode
      if (!text.parentElement?.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
      const range = document.createRange()
      range.selectNodeContents(text)
      for (const line of range.getClientRects())
        boxes.push({ ...seen(text.parentElement, line), said: text.textContent!.trim(), mark: false })
    }
    for (const mark of root.querySelectorAll('svg, input'))
      if (mark.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && mark.clientWidth < 64)
        boxes.push({ ...seen(mark, mark.getBoundingClientRect()), said: mark.tagName, mark: true })
    const drawn = boxes.filter(({ left, top, right, bottom }) => right - left > hair.x && bottom - top > hair.y)
    return drawn.flatMap((one, at) =>
      drawn
        .slice(at + 1)
        .filter(
          (other) =>
            !(one.mark && other.mark) &&
            !one.element.contains(other.element) &&
            !other.element.contains(one.element) &&
            Math.min(one.right, other.right) - Math.max(one.left, other.left) > hair.x &&
            Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > hair.y,
        )
        .map((other) => `${one.said} | ${other.said}`),
    )
  })
}

/** Texts whose end is cut, were it for a part of a pixel: then the browser puts three dots in the place of letters that there is room for. */
export function cutTexts(some: Locator): Promise<string[]> {
  return some.evaluateAll((all) =>
    all.flatMap((one) => {
      const range = document.createRange()
      range.selectNodeContents(one)
      return range.getBoundingClientRect().width > one.getBoundingClientRect().width + 0.001 ? [one.textContent!] : []
    }),
  )
}

/** How many px the lowest text of a line lies below its highest, both by where their letters stand. */
export function unevenness(line: Locator): Promise<number> {
  return line.evaluate((root) => {
    const bottoms: number[] = []
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const range = document.createRange()
      range.selectNodeContents(texts.currentNode)
      for (const { width, bottom } of range.getClientRects()) if (width > 0) bottoms.push(bottom)
    }
    return Math.max(...bottoms) - Math.min(...bottoms)
  })
}
