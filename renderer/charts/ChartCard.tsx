/** A chart with everything around it: legend, its own controls, the same numbers as a table, and its export. */
import { ActionIcon, Menu, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type ReactNode, useRef, useState } from 'react'
import { DownloadIcon, TableIcon } from '../icons.tsx'
import { useWords } from '../words.ts'
import type { Frame } from './axis.ts'
import { DataTable } from './DataTable.tsx'
import { saveCsv, savePng, saveSvg } from './export.ts'
import { Swatch } from './PlotTooltip.tsx'
import { type Row, rowsOf, type Series } from './series.ts'

interface ChartCardProps {
  readonly title: string
  /** File name of an export, without its ending. */
  readonly fileName: string
  readonly series: readonly Series[]
  readonly rows: readonly Row[]
  /** Ranks of the whole data, for the CSV file. */
  readonly first: number
  readonly last: number
  readonly xTitle: string
  readonly formatY: (value: number) => string
  readonly tools?: ReactNode
  readonly children: (frame: Frame) => ReactNode
}

export function ChartCard(props: ChartCardProps) {
  const { t, numbers } = useWords()
  const [asTable, setAsTable] = useState(false)
  const { ref, width, height } = useElementSize()
  const figure = useRef<HTMLElement>(null)
  const svg = () => figure.current?.querySelector<SVGSVGElement>('svg.recharts-surface') ?? null
  const withSvg = (use: (drawn: SVGSVGElement) => void) => () => {
    const drawn = svg()
    if (drawn) use(drawn)
  }
  const everyRow = () => {
    const ranks = Array.from({ length: props.last - props.first + 1 }, (_, i) => props.first + i)
    return rowsOf(props.series, ranks)
  }

  const legend = (
    <ul aria-label={t('chart.legend')} className="legend">
      {props.series.map(({ id, label, color, dash }) => (
        <li key={id}>
          <Swatch color={color} {...(dash ? { dash } : {})} />
          {label}
        </li>
      ))}
    </ul>
  )

  return (
    <figure aria-label={props.title} className="chart" ref={figure}>
      <div className="chart-head">
        <div className="chart-tools">
          {props.tools ?? legend}
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
                <Menu.Item disabled={asTable} onClick={withSvg((drawn) => saveSvg(drawn, props.fileName))}>
                  {t('chart.saveSvg')}
                </Menu.Item>
                <Menu.Item disabled={asTable} onClick={withSvg((drawn) => void savePng(drawn, props.fileName))}>
                  {t('chart.savePng')}
                </Menu.Item>
                <Menu.Item onClick={() => saveCsv(props.series, everyRow(), props.fileName)}>
                  {t('chart.saveCsv')}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </div>
        </div>
        {props.tools ? legend : null}
      </div>
      <div className="chart-body" ref={ref}>
        {asTable ? (
          <DataTable
            caption={props.title}
            formatX={numbers.count}
            formatY={props.formatY}
            rows={props.rows}
            series={props.series}
            xTitle={props.xTitle}
          />
        ) : width > 0 && height > 0 ? (
          props.children({ width: Math.floor(width), height: Math.floor(height) })
        ) : null}
      </div>
    </figure>
  )
}
