/** SVG as text, for pictures that are made without a document. */

type Attributes = Readonly<Record<string, string | number | undefined>>

export function escaped(text: string): string {
  // What XML 1.0 cannot hold at all would make the whole picture unreadable.
  return text
    .replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** `inner` is markup, or what `label` made of a text. */
export function element(name: string, attributes: Attributes, inner = ''): string {
  const listed = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? rounded(value) : escaped(String(value))}"`)
  return `<${name}${listed.join('')}${inner === '' ? '/>' : `>${inner}</${name}>`}`
}

export function label(text: string, attributes: Attributes): string {
  return element('text', attributes, escaped(text))
}

/** A hundredth of a pixel is finer than any printer; digits beyond it are most of a file of curves. */
export function rounded(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** Of text at 1 px in a system font, on the wide side: pictures are laid out without measuring. */
export function textWidth(text: string, size: number): number {
  let width = 0
  for (const character of text) width += character > '\u2e80' ? 1 : 0.58
  return width * size
}

/** Texts as lines no wider than `width` px, broken between items. */
export function wrapped(items: readonly string[], between: string, size: number, width: number): string[] {
  const lines: string[] = []
  for (const item of items) {
    const last = lines.at(-1)
    const joined = last === undefined ? item : last + between + item
    if (last !== undefined && textWidth(joined, size) > width) lines.push(item)
    else lines.splice(-1, 1, joined)
  }
  return lines
}

export const fonts = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
