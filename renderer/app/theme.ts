/** The tokens of frame/tokens.css, as Mantine's components take them. No color is written here but the tints that Mantine computes with. */
import {
  Button,
  Combobox,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  type MantineColorsTuple,
  Modal,
} from '@mantine/core'

/** Tints of --accent: Mantine mixes what the tokens do not name, such as the ground of a light button. */
const indigo: MantineColorsTuple = [
  '#eef1fe',
  '#dbe0fb',
  '#b4bdf4',
  '#8b98ee',
  '#6979e8',
  '#5565ea',
  '#4353d4',
  '#3b4ac6',
  '#303fa9',
  '#263493',
]

export const theme = createTheme({
  primaryColor: 'ghost',
  primaryShade: 6,
  autoContrast: true,
  colors: { ghost: indigo },
  defaultRadius: 'md',
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '15px', xl: '20px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '20px', xl: '28px' },
  radius: { xs: '4px', sm: '4px', md: '8px', lg: '12px', xl: '12px' },
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    // Beside a field or another button its own 26 px and 7 px look cramped.
    Button: Button.extend({
      vars: (_, { size }) => ({
        root: size === 'compact-sm' ? { '--button-height': '28px', '--button-padding-x': '12px' } : {},
      }),
    }),
    Modal: Modal.extend({
      classNames: { title: 'dialog-title' },
      defaultProps: { overlayProps: { color: 'var(--scrim)', backgroundOpacity: 1 } },
    }),
    // The options of a select are made when it is opened.
    Combobox: Combobox.extend({ defaultProps: { keepMounted: false } }),
    Drawer: Drawer.extend({ classNames: { title: 'dialog-title' } }),
  },
})

/** One color for each role, from the tokens, which follow the scheme. */
const colors = {
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-dimmed': 'var(--text-2)',
  '--mantine-color-placeholder': 'var(--text-2)',
  '--mantine-color-anchor': 'var(--accent-text)',
  '--mantine-color-error': 'var(--danger)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-control)',
  '--mantine-primary-color-filled': 'var(--accent)',
  '--mantine-color-ghost-filled': 'var(--accent)',
  '--mantine-color-ghost-light': 'var(--accent-soft)',
  '--mantine-color-ghost-light-color': 'var(--accent-text)',
  '--mantine-color-ghost-outline': 'var(--accent-text)',
  '--mantine-color-red-light': 'var(--danger-soft)',
  '--mantine-color-red-light-color': 'var(--danger)',
  '--mantine-color-orange-light': 'var(--warn-soft)',
  '--mantine-color-orange-light-color': 'var(--warn)',
  '--mantine-color-gray-light': 'var(--sunken)',
  '--mantine-color-gray-light-color': 'var(--text)',
}

/** Grays that Mantine's style sheets name themselves: grounds of what the pointer is at, of tracks, of chosen segments; lines; quiet text. */
const lightGrays = {
  '--mantine-color-gray-0': 'var(--hover)',
  '--mantine-color-gray-1': 'var(--sunken)',
  '--mantine-color-gray-2': 'var(--line)',
  '--mantine-color-gray-3': 'var(--line)',
  '--mantine-color-gray-4': 'var(--line)',
  '--mantine-color-gray-6': 'var(--text-2)',
  '--mantine-color-gray-7': 'var(--text-2)',
}
const darkGrays = {
  '--mantine-color-dark-0': 'var(--text)',
  '--mantine-color-dark-1': 'var(--text-2)',
  '--mantine-color-dark-2': 'var(--text-2)',
  '--mantine-color-dark-3': 'var(--text-2)',
  '--mantine-color-dark-4': 'var(--line)',
  '--mantine-color-dark-5': 'var(--raised)',
  '--mantine-color-dark-6': 'var(--hover)',
  '--mantine-color-dark-7': 'var(--surface)',
  '--mantine-color-dark-8': 'var(--sunken)',
  '--mantine-color-disabled-color': 'var(--line-control)',
}

/** Said for each scheme too: Mantine has colors of its own there, which would win. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: colors,
  light: { ...colors, ...lightGrays },
  dark: { ...colors, ...darkGrays },
})
