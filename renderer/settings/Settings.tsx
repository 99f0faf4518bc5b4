/** How the page looks and speaks, and what it runs on. */
import { Button, SegmentedControl } from '@mantine/core'
import type { Settings } from '../../core/contract.ts'
import { sessionReducers, useSession } from '../frame/session.ts'
import { useWords } from '../words/words.ts'
import { EngineTable } from './EngineBadge.tsx'
import { saveSettings } from './settings-actions.ts'

const themes = ['system', 'light', 'dark'] as const
const languages = ['system', 'en', 'zh-CN'] as const

export function SettingsScreen() {
  const { t } = useWords()
  const settings = useSession((state) => state.settings)
  const host = useSession((state) => state.host)
  const set = (changes: Partial<Settings>) => void saveSettings({ ...settings, ...changes })
  return (
    <main className="start">
      <div className="start-column settings-screen">
        <h1 className="start-title">{t('preferences.title')}</h1>
        <section className="preference">
          <h2 className="section-title" id="theme-label">
            {t('preferences.theme')}
          </h2>
          <SegmentedControl
            aria-labelledby="theme-label"
            data={themes.map((value) => ({ value, label: t(`preferences.themes.${value}`) }))}
            onChange={(value) => set({ theme: value as Settings['theme'] })}
            value={settings.theme}
          />
        </section>
        <section className="preference">
          <h2 className="section-title" id="language-label">
            {t('preferences.language')}
          </h2>
          <SegmentedControl
            aria-labelledby="language-label"
            data={languages.map((value) => ({ value, label: t(`preferences.languages.${value}`) }))}
            onChange={(value) => set({ language: value as Settings['language'] })}
            value={settings.language}
          />
        </section>
        <section className="preference">
          <h2 className="section-title">{t('preferences.engine')}</h2>
          <EngineTable />
          <Button mt="sm" onClick={() => sessionReducers.show('selfTest')} size="xs" variant="default">
            {t('selfTest.open')}
          </Button>
        </section>
        {host ? (
          <p className="dimmed">
            {t('preferences.version', {
              version: host.version,
              host: t(`preferences.hosts.${host.kind}`),
              platform: host.platform,
            })}
          </p>
        ) : null}
      </div>
    </main>
  )
}
