/** A chart as a file: SVG, PNG or CSV, made on the page and handed to the browser's download. */
import { saveBlob, saveText } from '../frame/download.ts'
import type { Row, Series } from './series.ts'

/** Properties that come from style sheets and must travel inside a file that has none. */
const paint = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-opacity',
  'font-size',
  'font-family',
  'font-weight',
] as const

/** PNG pixels for each CSS pixel. */
const pngScale = 2

export function saveSvg(svg: SVGSVGElement, name: string): void {
  saveBlob(new Blob([standalone(svg)], { type: 'image/svg+xml' }), `${name}.svg`)
}

/** @throws Error when the browser cannot draw the picture, which it has just drawn */
export async function savePng(svg: SVGSVGElement, name: string): Promise<void> {
  const { width, height } = svg.getBoundingClientRect()
  const url = URL.createObjectURL(new Blob([standalone(svg)], { type: 'image/svg+xml' }))
  try {
    const image = new Image()
    image.src = url
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(width * pngScale)
    canvas.height = Math.round(height * pngScale)
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
    if (blob) saveBlob(blob, `${name}.png`)
  } finally {
    URL.revokeObjectURL(url)
  }
}

/** Every number as it is, not as it is shown; absent values are empty. */
export function saveCsv(series: readonly Series[], rows: readonly Row[], name: string): void {
  const header = ['rank', ...series.map(({ label }) => label)]
  saveTable(
    header,
    rows.map((row) => [row.rank, ...series.map(({ id }) => row[id] ?? '')]),
    name,
  )
}

/** A CSV file: texts are quoted, numbers are not. */
export function saveTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  name: string,
): void {
  const quote = (value: string | number) =>
    typeof value === 'number' || value === '' ? String(value) : `"${value.replaceAll('"', '""')}"`
  const lines = [header, ...rows].map((row) => row.map(quote).join(','))
  saveText(`${lines.join('\r\n')}\r\n`, `${name}.csv`, 'text/csv')
}

/** A copy whose colors no longer need the page. */
function standalone(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const originals = [svg, ...svg.querySelectorAll('*')]
  const copies = [copy, ...copy.querySelectorAll('*')]
  for (const [i, original] of originals.entries()) {
    const computed = getComputedStyle(original)
    for (const property of paint) copies[i]!.setAttribute(property, computed.getPropertyValue(property))
    copies[i]!.removeAttribute('class')
  }
  const { width, height } = svg.getBoundingClientRect()
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('viewBox', `0 0 ${width} ${height}`)
  const background = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  background.setAttribute('width', '100%')
  background.setAttribute('height', '100%')
  background.setAttribute('fill', getComputedStyle(document.body).backgroundColor)
  copy.prepend(background)
  return new XMLSerializer().serializeToString(copy)
}
