/** The page: theme, language, the bar above, and the screen that is asked for. */
import { Button, MantineProvider } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { type Screen, useSession } from '../frame/session.ts'
import { droppedFiles } from '../model/file/dropped-files.ts'
import { openFiles } from '../model/file/file-actions.ts'
import { RunStrip } from '../runs/RunStrip.tsx'
import { speak } from '../words/i18n.ts'
import { DropHighlight } from './DropHighlight.tsx'
import { FaultBoundary } from './Fault.tsx'
import { Header } from './Header.tsx'
import { useLater } from './later.ts'
import { Notices } from './Notices.tsx'
import { Shortcuts } from './Shortcuts.tsx'
import { Start } from './Start.tsx'
import { cssVariables, theme } from './theme.ts'

const screenNames = {
  workbench: 'Workbench',
  history: 'HistoryScreen',
  settings: 'SettingsScreen',
  selfTest: 'SelfTestScreen',
} as const satisfies Record<Exclude<Screen, 'start'>, string>
/** The workbench has the strip of runs above its own bar, History is made of them. */
const withoutStrip: ReadonlySet<Screen> = new Set(['workbench', 'history'])

export function App({ nonce }: { readonly nonce: string }) {
  const { theme: scheme, language } = useSession((state) => state.settings)
  const screen = useSession((state) => state.screen)
  const screens = useLater((state) => state.screens)
  const Shown = screen === 'start' ? Start : (screens?.[screenNames[screen]] ?? Missing)
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
      <FaultBoundary of="page">
        <div className="app">
          <Header />
          <Notices />
          {screen === 'workbench' && screens ? <screens.DifferenceBand /> : null}
          <FaultBoundary of={screen}>
            <Shown />
          </FaultBoundary>
          {withoutStrip.has(screen) ? null : <RunStrip />}
          {screens ? <screens.RunDialogs /> : null}
          <DropHighlight />
          <Shortcuts />
        </div>
      </FaultBoundary>
    </MantineProvider>
  )
}

/** A screen that has not come yet, or could not be fetched. */
function Missing() {
  const { t } = useTranslation()
  const fault = useLater((state) => state.fault)
  return (
    <main className="start">
      {fault ? (
        <div className="start-column">
          <ErrorBox error={fault}>
            <Button color="red" onClick={() => location.reload()} size="compact-sm" variant="light">
              {t('app.reload')}
            </Button>
          </ErrorBox>
        </div>
      ) : null}
    </main>
  )
}
