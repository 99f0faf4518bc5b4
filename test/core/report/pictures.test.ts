/** Pictures as they leave the page: what they are of, their legend and the rank on them, on white, whatever the theme of the page. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'
import { beforeAll, describe, expect, test } from 'vitest'
import { modelMap } from '../../../core/model-map.ts'
import { type ChartPicture, chartPicture, pictureSize } from '../../../core/report/chart-picture.ts'
import { mapPicture } from '../../../core/report/map-picture.ts'
import { lightPalette } from '../../../core/report/palette.ts'
import { looks } from '../../../core/report/series.ts'

beforeAll(async () => {
  await initWasm(readFileSync(createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm')))
})

/** Drawn as any program draws it: throws where it is not well formed. Pixels as numbers, 0xrrggbb. */
function drawn(svg: string): { readonly width: number; readonly pixels: Uint32Array } {
  const image = new Resvg(svg, { fitTo: { mode: 'zoom', value: 2 } }).render()
  const bytes = image.pixels
  const color = (at: number) => (bytes[4 * at]! << 16) | (bytes[4 * at + 1]! << 8) | bytes[4 * at + 2]!
  return { width: image.width, pixels: Uint32Array.from({ length: bytes.length / 4 }, (_, at) => color(at)) }
}
const colorOf = (hex: string) => Number.parseInt(hex.slice(1), 16)

const chart: ChartPicture = {
  title: 'Relative error against rank of layers.0.<q> & "k"',
  facts: ['model.safetensors', '512 × 256', 'Randomized SVD, rank 64 + 10, 2 power iterations, seed 42'],
  x: { low: 0, high: 100, scale: 'linear', title: 'Rank', tick: String },
  y: { low: 0, high: 1, scale: 'linear', title: 'Relative error', tick: (share) => `${100 * share} %` },
  lines: [
    { role: 'randomized', name: 'Randomized', points: [0, 25, 50, 75, 100].map((x) => [x, 1 - x / 100]) },
    { role: 'exact', name: 'Exact (floor)', points: [0, 50, 100].map((x) => [x, x === 50 ? null : 0.5]) },
  ],
  marks: [{ role: 'plan', x: 25, y: 0.75, name: 'Rank 25' }],
}

test('a map has more layers than a call takes arguments', () => {
  const map = modelMap(Array.from({ length: 130_000 }, (_, i) => ({ name: `layers.${i}.w` })))
  const picture = { title: '', facts: [], map, cellOf: () => ({ look: 'kept' as const, text: '' }) }
  expect(mapPicture({ ...picture, low: '0', high: '1', kept: 'kept' })).toContain('>129999<')
})

describe('a chart', () => {
  const svg = chartPicture(chart)

  test('says what it is of, names its lines and its rank', () => {
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
    expect(texts.join(' ')).toContain('layers.0.&lt;q&gt; &amp; &quot;k&quot;')
    for (const fact of chart.facts) expect(texts.join(' · ')).toContain(fact)
    for (const name of ['Randomized', 'Exact (floor)', 'Rank 25', 'Rank', 'Relative error', '0 %', '100 %'])
      expect(texts).toContain(name)
  })

  test('is drawn on white, at twice its size, with its lines in the colors of their roles', () => {
    const image = drawn(svg)
    expect(image.width).toBe(2 * pictureSize.width)
    expect(image.pixels[0]).toBe(0xffffff)
    const colors = new Set(image.pixels)
    expect(colors).toContain(colorOf(lightPalette[looks.randomized.color]))
    expect(colors).toContain(colorOf(lightPalette[looks.plan.color]))
    expect(svg).toContain(`stroke-dasharray="${looks.exact.dash}"`)
  })

  test('has its rank where the axis has it', () => {
    const [, mark] = /d="M([\d.]+) [^"]*"[^>]*data-mark="Rank 25"/.exec(svg)!
    const [, line] = /d="([^"]*)"[^>]*data-series="Randomized"/.exec(svg)!
    const xs = [...line!.matchAll(/[ML]([\d.]+) /g)].map(([, x]) => Number(x))
    expect(Number(mark)).toBe(xs[1])
  })

  test('has a gap where a line has none, and where a logarithm has no place for it', () => {
    const [, exact] = /d="([^"]*)"[^>]*data-series="Exact/.exec(svg)!
    expect(exact!.match(/M/g)).toHaveLength(2)
    const logarithmic = chartPicture({ ...chart, y: { ...chart.y, low: 1e-3, scale: 'log' } })
    expect(logarithmic).not.toMatch(/NaN|Infinity/)
  })
})

describe('a map', () => {
  const names = Array.from({ length: 40 }, (_, layer) =>
    Array.from({ length: 256 }, (_, expert) => `model.layers.${layer}.mlp.experts.${expert}.up_proj.weight`),
  ).flat()
  const map = modelMap(names.map((name) => ({ name })))
  const svg = mapPicture({
    ...{ title: 'Error of each matrix', facts: ['model'], map, low: '0 %', high: '60 %', kept: 'kept' },
    cellOf: ({ name }) => ({ look: name.length % 9, text: '' }),
  })

  test('of ten thousand experts stays a picture of layers by experts', () => {
    expect(map.layers).toHaveLength(40)
    expect(map.roles).toHaveLength(256)
    expect(svg.length).toBeLessThan(600_000)
    const image = drawn(svg)
    expect(image.pixels[0]).toBe(0xffffff)
    expect(svg).toContain('experts.*.up_proj')
  })
})
