/** What stands around a picture of numbers: a legend, its own controls, the same numbers as a table, and its export. */
import { ActionIcon, Menu, Tooltip } from '@mantine/core'
import { useCallbackRef, useElementSize, useTimeout } from '@mantine/hooks'
import { createContext, memo, type ReactNode, useContext, useMemo, useState } from 'react'
import { createPortal } from 'react-dom'
import { DownloadIcon, TableIcon } from '../../frame/icons.tsx'
import { useWords } from '../../words/words.ts'
import type { Frame } from './axis.ts'

/** Where the controls of a chart stand that is one of several behind one choice: beside that choice, instead of above the picture. */
export const ControlsPlace = createContext<HTMLElement | null>(null)

interface ChartFrameProps {
  readonly title: string
  /** Below the picture: it is read together with the axis. */
  readonly legend: ReactNode
  readonly tools?: ReactNode
  readonly table: () => ReactNode
  readonly save: {
    readonly svg: () => void
    readonly png: () => void
    readonly copy: () => Promise<void>
    readonly csv: () => void
  }
  readonly children: (frame: Frame) => ReactNode
}

export function ChartFrame({ title, legend, tools, table, save, children }: ChartFrameProps) {
  const [asTable, setAsTable] = useState(false)
  const { ref, width, height } = useElementSize()
  // The same one as long as it is as large: what is drawn in it compares it by identity.
  const frame = useMemo(() => ({ width: Math.floor(width), height: Math.floor(height) }), [width, height])
  const place = useContext(ControlsPlace)
  const controls = (
    <Controls
      asTable={asTable}
      onAsTable={setAsTable}
      onCopy={useCallbackRef(save.copy)}
      onCsv={useCallbackRef(save.csv)}
      onPng={useCallbackRef(save.png)}
      onSvg={useCallbackRef(save.svg)}
      tools={tools}
    />
  )
  return (
    <figure aria-label={title} className="chart">
      {place ? createPortal(controls, place) : <div className="chart-head">{controls}</div>}
      <div className="chart-body" ref={ref}>
        {asTable ? table() : frame.width > 0 && frame.height > 0 ? children(frame) : null}
      </div>
      {legend}
    </figure>
  )
}

interface ControlsProps {
  readonly tools: ReactNode
  readonly asTable: boolean
  readonly onAsTable: (asTable: boolean) => void
  readonly onCopy: () => Promise<void>
  readonly onSvg: () => void
  readonly onPng: () => void
  readonly onCsv: () => void
}

/** None of them follows the rank, so no step of a drag renders them. */
const Controls = memo(function Controls({ tools, asTable, onAsTable, onCopy, onSvg, onPng, onCsv }: ControlsProps) {
  const { t } = useWords()
  const [copied, setCopied] = useState<'copied' | 'notCopied' | null>(null)
  const { start } = useTimeout(() => setCopied(null), 2500)
  const copy = () =>
    void onCopy()
      .then(() => setCopied('copied'))
      .catch(() => setCopied('notCopied'))
      .finally(() => start())
  return (
    <div className="chart-tools">
      {tools}
      <div className="chart-buttons">
        <output className="chart-copied small">{copied ? t(`chart.${copied}`) : null}</output>
        <Tooltip label={t('chart.table')}>
          <ActionIcon
            aria-label={t('chart.table')}
            aria-pressed={asTable}
            color="gray"
            onClick={() => onAsTable(!asTable)}
            variant={asTable ? 'filled' : 'subtle'}
          >
            <TableIcon />
          </ActionIcon>
        </Tooltip>
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <Tooltip label={t('chart.export')}>
              <ActionIcon aria-label={t('chart.export')} color="gray" variant="subtle">
                <DownloadIcon />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={copy}>{t('chart.copy')}</Menu.Item>
            <Menu.Item onClick={onSvg}>{t('chart.saveSvg')}</Menu.Item>
            <Menu.Item onClick={onPng}>{t('chart.savePng')}</Menu.Item>
            <Menu.Item onClick={onCsv}>{t('chart.saveCsv')}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
    </div>
  )
})
