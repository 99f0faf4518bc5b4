/** The page: theme, language, the bar above, and the screen that is asked for. */
import { MantineProvider } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { droppedFiles, openFiles } from './actions/files.ts'
import { speak } from './i18n/i18n.ts'
import { Header } from './panels/Header.tsx'
import { Notices } from './panels/Notices.tsx'
import { RunStrip } from './panels/runs/RunStrip.tsx'
import { HistoryScreen } from './screens/History.tsx'
import { SelfTestScreen } from './screens/SelfTest.tsx'
import { SettingsScreen } from './screens/Settings.tsx'
import { Start } from './screens/Start.tsx'
import { Workbench } from './screens/Workbench.tsx'
import { useSession } from './store/session.ts'
import { cssVariables, theme } from './theme.ts'

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
    if (dataTransfer?.items.length) void openFiles(t('start.dropped'), () => droppedFiles(dataTransfer))
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
        <Screen />
        {withoutStrip.has(screen) ? null : <RunStrip />}
      </div>
    </MantineProvider>
  )
}
