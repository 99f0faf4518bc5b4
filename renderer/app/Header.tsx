/** The bar above every screen: where one is, what is open, how the engine is, the way to Settings. */
import { ActionIcon, Badge, Button, Indicator, Tooltip } from '@mantine/core'
import { isCode } from '../../core/messages/message.ts'
import { useFile } from '../choices/file.ts'
import { BackIcon, GearIcon, HistoryIcon } from '../frame/icons.tsx'
import { sessionReducers, useSession } from '../frame/session.ts'
import { isActive, useRuns } from '../model/runs.ts'
import { EngineBadge } from '../settings/EngineBadge.tsx'
import { useWords } from '../words/words.ts'

export function Header() {
  const { t, numbers } = useWords()
  const screen = useSession((state) => state.screen)
  const previous = useSession((state) => state.previous)
  const aside = screen !== 'start' && screen !== 'workbench'
  const running = useRuns(({ runs }) => runs.some(isActive))
  const report = useFile((state) => state.report)

  return (
    <header className="header">
      <div className="header-left">
        {aside ? (
          <Button
            leftSection={<BackIcon />}
            onClick={() => sessionReducers.show(previous)}
            size="compact-sm"
            variant="subtle"
          >
            {t('header.back')}
          </Button>
        ) : screen === 'start' && report ? (
          <Button
            className="header-return"
            leftSection={<BackIcon />}
            onClick={() => sessionReducers.show('workbench')}
            size="compact-sm"
            variant="subtle"
          >
            {t('header.backTo', { name: report.name })}
          </Button>
        ) : (
          <span className="brand">{t('app.name')}</span>
        )}
        {screen === 'workbench' && report ? (
          <>
            <span className="file-name" title={report.name}>
              {report.name}
            </span>
            <span className="dimmed nowrap">
              {report.format} · {numbers.bytes(report.totalBytes)}
            </span>
            {report.safety === 'opened-without-running' && !report.notices.some(isCode) ? (
              <Tooltip label={t('header.noCodeHelp')} multiline w={300}>
                <Badge color="gray" tt="none" variant="outline">
                  {t('header.noCode')}
                </Badge>
              </Tooltip>
            ) : null}
          </>
        ) : null}
      </div>
      <div className="header-right">
        {screen === 'workbench' ? (
          <Button onClick={() => sessionReducers.show('start')} size="compact-sm" variant="default">
            {t('header.openOther')}
          </Button>
        ) : null}
        <EngineBadge />
        {screen === 'history' ? null : (
          <Tooltip label={t('history.title')}>
            <Indicator disabled={!running} offset={7} size={8}>
              <ActionIcon
                aria-label={t('history.title')}
                color="gray"
                onClick={() => sessionReducers.show('history')}
                size="lg"
                variant="subtle"
              >
                <HistoryIcon />
              </ActionIcon>
            </Indicator>
          </Tooltip>
        )}
        {screen === 'settings' ? null : (
          <Tooltip label={t('header.settings')}>
            <ActionIcon
              aria-label={t('header.settings')}
              color="gray"
              onClick={() => sessionReducers.show('settings')}
              size="lg"
              variant="subtle"
            >
              <GearIcon />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
    </header>
  )
}
