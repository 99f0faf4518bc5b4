/** What stands around a picture of numbers: a legend, its own controls, the same numbers as a table, and its export. */
import { ActionIcon, Menu, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { DownloadIcon, TableIcon } from '../frame/icons.tsx'
import { useWords } from '../words/words.ts'
import type { Frame } from './axis.ts'

interface ChartFrameProps {
  readonly title: string
  readonly legend: ReactNode
  /** Stand where the legend would, which then has a line of its own. */
  readonly tools?: ReactNode
  readonly table: () => ReactNode
  /** A picture can be saved as long as it is drawn, the numbers always. */
  readonly save: { readonly svg: () => void; readonly png: () => void; readonly csv: () => void }
  readonly children: (frame: Frame) => ReactNode
}

export function ChartFrame({ title, legend, tools, table, save, children }: ChartFrameProps) {
  const { t } = useWords()
  const [asTable, setAsTable] = useState(false)
  const { ref, width, height } = useElementSize()
  return (
    <figure aria-label={title} className="chart">
      <div className="chart-head">
        <div className="chart-tools">
          {tools ?? legend}
          <div className="chart-buttons">
            <Tooltip label={t('chart.table')}>
              <ActionIcon
                aria-label={t('chart.table')}
                aria-pressed={asTable}
                color="gray"
                onClick={() => setAsTable(!asTable)}
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
                <Menu.Item disabled={asTable} onClick={save.svg}>
                  {t('chart.saveSvg')}
                </Menu.Item>
                <Menu.Item disabled={asTable} onClick={save.png}>
                  {t('chart.savePng')}
                </Menu.Item>
                <Menu.Item onClick={save.csv}>{t('chart.saveCsv')}</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </div>
        </div>
        {tools ? legend : null}
      </div>
      <div className="chart-body" ref={ref}>
        {asTable
          ? table()
          : width > 0 && height > 0
            ? children({ width: Math.floor(width), height: Math.floor(height) })
            : null}
      </div>
    </figure>
  )
}
