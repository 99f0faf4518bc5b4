/** The bar above every screen: where one is, what is open, what is at work, the way to Settings. */

import { ActionIcon, Badge, Button, Indicator, Tooltip } from '@mantine/core'
import { getHotkeyHandler, useWindowEvent } from '@mantine/hooks'
import { useMemo } from 'react'
import { isCode } from '../../core/messages/message.ts'
import { formatName } from '../../core/weight-formats.ts'
import { useFile } from '../choices/file.ts'
import { layerCount } from '../choices/layers.ts'
import { BackIcon, GearIcon, HistoryIcon, RedoIcon, UndoIcon } from '../frame/icons.tsx'
import { useModKey } from '../frame/mod-key.ts'
import { sessionReducers, useSession } from '../frame/session.ts'
import { isTyping } from '../frame/typing.ts'
import { redo, undo, usePast } from '../model/file/past.ts'
import { isActive, useRuns } from '../model/running/runs.ts'
import { EngineBadge } from '../settings/EngineBadge.tsx'
import { useWords } from '../words/words.ts'

export function Header() {
  const { t, numbers } = useWords()
  const screen = useSession((state) => state.screen)
  const previous = useSession((state) => state.previous)
  const aside = screen !== 'start' && screen !== 'workbench'
  const running = useRuns(({ runs }) => runs.some(isActive))
  const report = useFile((state) => state.report)
  const layers = useMemo(() => (report ? layerCount(report.tensors) : 0), [report])

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
            <span className="file-facts dimmed">
              {[
                numbers.bytes(report.totalBytes),
                formatName(report.format),
                layers > 0 ? t('header.layers', { count: layers, number: numbers.count(layers) }) : null,
              ]
                .filter((part) => part !== null)
                .join(' · ')}
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
        <EngineBadge />
        {screen === 'workbench' ? <UndoButtons /> : null}
        {screen === 'workbench' ? (
          <Button color="gray" onClick={() => sessionReducers.show('start')} size="compact-sm" variant="subtle">
            {t('header.openOther')}
          </Button>
        ) : null}
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

const undoKeys = getHotkeyHandler([
  ['mod+Z', undo],
  ['mod+shift+Z', redo],
  ['mod+Y', redo],
])

/** Over goal, parameters, ticks, rules and pins: each change that has settled is a step. */
function UndoButtons() {
  const { t } = useWords()
  const past = usePast()
  // In a field the keys undo what was typed there, which is not chosen before it is left.
  const mod = useModKey()
  useWindowEvent('keydown', (event) => {
    if (!isTyping(event)) undoKeys(event)
  })
  return (
    <>
      <Tooltip label={`${t('header.undo')} (${mod}+Z)`}>
        <ActionIcon
          aria-label={t('header.undo')}
          color="gray"
          data-disabled={past.before.length === 0}
          aria-disabled={past.before.length === 0}
          onClick={undo}
          size="lg"
          variant="subtle"
        >
          <UndoIcon />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={`${t('header.redo')} (${mod}+Shift+Z)`}>
        <ActionIcon
          aria-label={t('header.redo')}
          color="gray"
          data-disabled={past.after.length === 0}
          aria-disabled={past.after.length === 0}
          onClick={redo}
          size="lg"
          variant="subtle"
        >
          <RedoIcon />
        </ActionIcon>
      </Tooltip>
    </>
  )
}
