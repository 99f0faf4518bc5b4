/** The page: theme, language, the bar above, and the screen that is asked for. */
import { MantineProvider } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '../frame/session.ts'
import { droppedFiles, openFiles } from '../model/file/file-actions.ts'
import { DifferenceBand } from '../outcome/DifferenceBand.tsx'
import { HistoryScreen } from '../runs/history/History.tsx'
import { RunDialogs } from '../runs/RunDialogs.tsx'
import { RunStrip } from '../runs/RunStrip.tsx'
import { SelfTestScreen } from '../settings/SelfTest.tsx'
import { SettingsScreen } from '../settings/Settings.tsx'
import { speak } from '../words/i18n.ts'
import { DropHighlight } from './DropHighlight.tsx'
import { Header } from './Header.tsx'
import { Notices } from './Notices.tsx'
import { Shortcuts } from './Shortcuts.tsx'
import { Start } from './Start.tsx'
import { cssVariables, theme } from './theme.ts'
import { Workbench } from './Workbench.tsx'

const screens = {
  start: Start,
  workbench: Workbench,
  history: HistoryScreen,
  settings: SettingsScreen,
  selfTest: SelfTestScreen,
} as const
/** The workbench has the strip of runs above its own bar, History is made of them. */
const withoutStrip: ReadonlySet<keyof typeof screens> = new Set(['workbench', 'history'])

export function App({ nonce }: { readonly nonce: string }) {
  const { theme: scheme, language } = useSession((state) => state.settings)
  const screen = useSession((state) => state.screen)
  const Screen = screens[screen]
  const { t } = useTranslation()
  // Anywhere: a file dropped beside the drop zone would make the browser leave the page.
  useWindowEvent('dragover', (event) => event.preventDefault())
  useWindowEvent('drop', (event) => {
    event.preventDefault()
    const { dataTransfer } = event
    // Selected text can be dragged as well, and links: only files are opened.
    if (dataTransfer?.types.includes('Files')) void openFiles(t('start.dropped'), () => droppedFiles(dataTransfer))
  })
  useEffect(() => void speak(language), [language])

  return (
    <MantineProvider
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
      theme={theme}
      {...(scheme === 'system' ? {} : { forceColorScheme: scheme })}
    >
      <div className="app">
        <Header />
        <Notices />
        {screen === 'workbench' ? <DifferenceBand /> : null}
        <Screen />
        {withoutStrip.has(screen) ? null : <RunStrip />}
        <RunDialogs />
        <DropHighlight />
        <Shortcuts />
      </div>
    </MantineProvider>
  )
}
