/** Colors of whatever leaves the page as a picture or a report: those of the page's tokens of the same name, which a test holds to them. */

const light = {
  surface: '#ffffff',
  sunken: '#eceef2',
  line: '#e1e4ea',
  text: '#14171d',
  'text-2': '#545c69',
  'accent-text': '#3b4ac6',
  good: '#0a6a44',
  warn: '#8a4600',
  'series-exact': '#14171d',
  'series-randomized': '#2563eb',
  'series-randomized-2': '#0c7d74',
  'series-noise': '#6f7785',
  'series-plan': '#14171d',
  'series-what-if': '#4353d4',
  'series-limit': '#8a4600',
  'series-before': '#828a98',
  'chart-grid': '#eceef2',
  'map-0': '#c9e8df',
  'map-1': '#9ed6cd',
  'map-2': '#6dbfc4',
  'map-3': '#45a1b8',
  'map-4': '#2f76a4',
  'map-5': '#385d99',
  'map-6': '#464589',
  'map-7': '#542f75',
  'map-8': '#5c1f5c',
  'map-ink-low': '#10161c',
  'map-ink-high': '#ffffff',
} as const

export type Token = keyof typeof light
export type Palette = Readonly<Record<Token, string>>

/** On a white ground: pictures are for documents, whatever the theme of the page. */
export const lightPalette: Palette = light

/** The map keeps its one order in both themes. */
export const darkPalette: Palette = {
  ...light,
  surface: '#1a1c21',
  sunken: '#25282f',
  line: '#2c3038',
  text: '#eceef2',
  'text-2': '#a5acb8',
  'accent-text': '#a3aeff',
  good: '#62d4a2',
  warn: '#ffbb63',
  'series-exact': '#f3f5f9',
  'series-randomized': '#6ba5ff',
  'series-randomized-2': '#3fc9bb',
  'series-noise': '#8d95a3',
  'series-plan': '#f3f5f9',
  'series-what-if': '#a3aeff',
  'series-limit': '#ffbb63',
  'series-before': '#747c8a',
  'chart-grid': '#25282f',
}

/** For a picture inside a page that has the tokens as custom properties. */
export const pagePalette = Object.fromEntries(Object.keys(light).map((token) => [token, `var(--${token})`])) as Palette

export const tokens = Object.keys(light) as Token[]

/** Steps of the map, low error to high error. */
export const mapSteps = 9
/** From this step on the ink is light. */
const lightInkFrom = 4

export const mapToken = (step: number) => `map-${step}` as Token
export const mapInk = (step: number): Token => (step < lightInkFrom ? 'map-ink-low' : 'map-ink-high')
