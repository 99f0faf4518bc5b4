/** Colors and sizes of the page. The chart's own colors are in styles.css, as they follow the color scheme. */
import { createTheme, type MantineColorsTuple } from '@mantine/core'

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
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  colors: { ghost: indigo },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
})
