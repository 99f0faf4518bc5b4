/** Colors and sizes of the page. The chart's own colors are in styles/base.css, as they follow the color scheme. */
import { Button, type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const indigo: MantineColorsTuple = [
  '#eef1fe',
  '#dbe0fb',
  '#b4bdf4',
  '#8b98ee',
  '#6979e8',
  '#5466e4',
  '#4556d8',
  '#3848bf',
  '#303fa9',
  '#263493',
]

export const theme = createTheme({
  primaryColor: 'ghost',
  primaryShade: 6,
  autoContrast: true,
  colors: { ghost: indigo },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    // Beside a field or another button its own 26 px and 7 px look cramped.
    Button: Button.extend({
      vars: (_, { size }) => ({
        root: size === 'compact-sm' ? { '--button-height': '30px', '--button-padding-x': '12px' } : {},
      }),
    }),
  },
})

/** Mantine's own gray for descriptions and its red below fields have a contrast of 3.3 to white; 4.5 is what small text needs. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-dimmed': '#5a6270',
    '--mantine-color-placeholder': '#6b7380',
  },
  dark: {
    '--mantine-color-error': '#ff8787',
    '--mantine-color-dimmed': '#a0a7b4',
    '--mantine-color-placeholder': '#9098a6',
    '--mantine-color-anchor': '#9aa8ff',
  },
})
