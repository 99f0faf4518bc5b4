/**
 * A chart as a picture that stands alone: title, what it is of, legend, axes, curves, marks. Data in, SVG out; no document is needed, so
 * the report of the command line has the same charts as the page's export.
 */
import { type Axis, shareAt, ticksOf } from './axis.ts'
import { lightPalette, type Palette } from './palette.ts'
import { lookOf, type Role } from './series.ts'
import { element, fonts, label, rounded, textWidth, wrapped } from './svg.ts'

export interface PictureLine {
  readonly role: Role
  readonly name: string
  /** [x, y], ascending in x; null where the line has a gap. */
  readonly points: readonly (readonly [number, number | null])[]
}

interface PictureMark {
  readonly role: Role
  readonly x: number
  readonly name: string
  /** Where it meets a curve. */
  readonly y?: number | null
}

/** Measured, beside the lines; those with a name are what the picture is about. */
interface PictureDot {
  readonly x: number
  readonly y: number
  readonly name: string | null
}

interface PictureAxis extends Axis {
  readonly title: string
  readonly tick: (value: number) => string
}

export interface ChartPicture {
  readonly title: string
  /** What it is of: model, tensor, shape, method, parameters, seed. */
  readonly facts: readonly string[]
  readonly x: PictureAxis
  readonly y: PictureAxis
  readonly lines: readonly PictureLine[]
  readonly marks: readonly PictureMark[]
  readonly dots?: readonly PictureDot[]
}

export interface PictureSize {
  readonly width: number
  /** Of the plot; the head takes what it needs above it. */
  readonly plotHeight: number
}

export const pictureSize: PictureSize = { width: 800, plotHeight: 360 }

const side = 24
const left = 76
const right = 28
const [titleSize, textSize] = [16, 12]
/** Between text lines. */
const lead = 18

export function chartPicture(
  { title, facts, x, y, lines, marks, dots = [] }: ChartPicture,
  palette: Palette = lightPalette,
  { width, plotHeight }: PictureSize = pictureSize,
): string {
  const parts: string[] = []
  const room = width - 2 * side
  const text = (content: string, more: Readonly<Record<string, string | number>>) =>
    label(content, { 'font-size': textSize, fill: palette['text-2'], ...more })

  let top = side
  for (const line of wrapped(title.split(' '), ' ', titleSize, room)) {
    top += titleSize
    parts.push(text(line, { x: side, y: top, 'font-size': titleSize, 'font-weight': 600, fill: palette.text }))
    top += 4
  }
  for (const line of wrapped(facts, ' · ', textSize, room)) {
    top += lead
    parts.push(text(line, { x: side, y: top }))
  }
  top += lead + 4
  const legend = legendOf(lines, palette, top, room)
  parts.push(legend.drawn)
  // Marks have their names above the plot, the name of the axis stands beside them.
  top = legend.bottom + (marks.length > 0 ? 40 : 26)

  const plot = { left, top, width: width - left - right, height: plotHeight }
  const xAt = (value: number) => plot.left + shareAt(value, x) * plot.width
  const yAt = (value: number) => plot.top + (1 - shareAt(value, y)) * plot.height
  const bottom = plot.top + plot.height

  for (const { at, small } of ticksOf(y, Math.floor(plot.height / 56))) {
    const line = yAt(at)
    if (!small) {
      parts.push(
        element('path', {
          d: `M${rounded(plot.left)} ${rounded(line)}h${rounded(plot.width)}`,
          stroke: palette['chart-grid'],
        }),
        text(y.tick(at), { x: plot.left - 10, y: line + 4, 'text-anchor': 'end' }),
      )
    }
    parts.push(tick(plot.left, line, small ? -3 : -6, 0, palette))
  }
  for (const { at, small } of ticksOf(x, Math.floor(plot.width / 90))) {
    parts.push(tick(xAt(at), bottom, 0, small ? 3 : 6, palette))
    if (!small) parts.push(text(x.tick(at), { x: xAt(at), y: bottom + 20, 'text-anchor': 'middle' }))
  }
  parts.push(
    element('path', {
      d: `M${rounded(plot.left)} ${rounded(plot.top)}V${rounded(bottom)}h${rounded(plot.width)}`,
      fill: 'none',
      stroke: palette['text-2'],
    }),
    text(y.title, { x: side, y: plot.top - 12 }),
    text(x.title, { x: plot.left + plot.width / 2, y: bottom + 40, 'text-anchor': 'middle' }),
  )

  const clip = `M${rounded(plot.left)} ${rounded(plot.top - 1)}h${rounded(plot.width)}v${rounded(plot.height + 2)}h${rounded(-plot.width)}z`
  const clipId = `plot-${hashOf([title, ...facts].join('\n'))}`
  parts.push(element('clipPath', { id: clipId }, element('path', { d: clip })))
  const curves = lines.map(({ role, name, points }) => {
    const { color, dash, width: stroke } = lookOf(role)
    const d = pathOf(points, x, y, xAt, yAt)
    const line = { d, fill: 'none', stroke: palette[color], 'stroke-width': stroke, 'stroke-linejoin': 'round' }
    return element('path', {
      ...line,
      'data-series': name,
      'stroke-linecap': dash === undefined ? undefined : 'round',
      'stroke-dasharray': dash,
    })
  })
  parts.push(element('g', { 'clip-path': `url(#${clipId})` }, curves.join('') || '<g/>'))
  let free = plot.left + textWidth(y.title, textSize)
  for (const mark of marks.filter(({ x: at }) => at >= x.low && at <= x.high).sort((a, b) => a.x - b.x)) {
    const { color, dash, width: stroke } = lookOf(mark.role)
    const at = xAt(mark.x)
    const span = textWidth(mark.name, textSize)
    // A name stands over its line, or beside its neighbor where that one is near; it does not leave the picture.
    const from = Math.min(Math.max(at - span / 2, free + 8), width - side - span)
    free = from + span
    parts.push(
      element('path', {
        d: `M${rounded(at)} ${rounded(plot.top - 6)}V${rounded(bottom)}`,
        stroke: palette[color],
        'stroke-width': stroke,
        'stroke-dasharray': dash,
        'data-mark': mark.name,
      }),
      text(mark.name, { x: from, y: plot.top - 12, 'font-weight': 600, fill: palette[color] }),
    )
    if (mark.y !== undefined && mark.y !== null)
      parts.push(element('circle', { cx: at, cy: yAt(mark.y), r: 4, fill: palette[color] }))
  }
  for (const dot of dots.filter(({ x: at, y: value }) => at <= x.high && value <= y.high)) {
    const [cx, cy] = [xAt(dot.x), yAt(dot.y)]
    const look =
      dot.name === null
        ? { r: 4, fill: palette.surface, stroke: palette['text-2'], 'stroke-width': 1.5 }
        : { r: 6, fill: palette['series-what-if'], stroke: palette.surface, 'stroke-width': 2 }
    parts.push(element('circle', { cx, cy, ...look }))
    if (dot.name !== null)
      parts.push(text(dot.name, { x: cx, y: cy - 12, 'text-anchor': 'middle', 'font-weight': 600, fill: palette.text }))
  }

  return framed(width, bottom + 40 + side, parts.join(''), palette)
}

/** The whole picture, on its ground. */
export function framed(width: number, height: number, inner: string, palette: Palette): string {
  const ground = element('rect', { width, height, fill: palette.surface })
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${rounded(width)} ${rounded(height)}`,
      'font-family': fonts,
    },
    ground + inner,
  )
}

function legendOf(
  lines: readonly PictureLine[],
  palette: Palette,
  top: number,
  room: number,
): { readonly drawn: string; readonly bottom: number } {
  let [x, y] = [side, top]
  const parts: string[] = []
  for (const { role, name } of lines) {
    const { color, dash, width } = lookOf(role)
    const span = 32 + textWidth(name, textSize) + 20
    if (x > side && x + span > side + room) [x, y] = [side, y + lead]
    parts.push(
      element('path', {
        d: `M${rounded(x)} ${rounded(y - 4)}h24`,
        stroke: palette[color],
        'stroke-width': width,
        'stroke-linecap': dash === undefined ? undefined : 'round',
        'stroke-dasharray': dash,
      }),
      label(name, { x: x + 32, y, 'font-size': textSize, fill: palette.text }),
    )
    x += span
  }
  return { drawn: parts.join(''), bottom: y }
}

function tick(x: number, y: number, dx: number, dy: number, palette: Palette): string {
  return element('path', { d: `M${rounded(x)} ${rounded(y)}l${dx} ${dy}`, stroke: palette['text-2'] })
}

/** A zero on a logarithmic axis has no place: the line has a gap there. */
function pathOf(
  points: PictureLine['points'],
  x: Axis,
  y: Axis,
  xAt: (value: number) => number,
  yAt: (value: number) => number,
): string {
  let d = ''
  let drawing = false
  for (const [at, value] of points) {
    const there = value !== null && (y.scale === 'linear' || value > 0) && (x.scale === 'linear' || at > 0)
    if (there) d += `${drawing ? 'L' : 'M'}${rounded(xAt(at))} ${rounded(yAt(value))}`
    drawing = there
  }
  return d
}

/** FNV-1a: several pictures in one page need ids of their own. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16)
}
