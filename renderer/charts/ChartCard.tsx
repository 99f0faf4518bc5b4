/** A chart of lines over ranks with everything around it. */
import { type ReactNode, useRef } from 'react'
import { useWords } from '../words/words.ts'
import type { Frame } from './axis.ts'
import { ChartFrame } from './ChartFrame.tsx'
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
  const body = useRef<HTMLDivElement>(null)
  const withSvg = (use: (drawn: SVGSVGElement) => void) => () => {
    const drawn = body.current?.querySelector<SVGSVGElement>('svg.recharts-surface')
    if (drawn) use(drawn)
  }
  const everyRow = () => {
    const ranks = Array.from({ length: props.last - props.first + 1 }, (_, i) => props.first + i)
    return rowsOf(props.series, ranks)
  }
  return (
    <ChartFrame
      legend={
        <ul aria-label={t('chart.legend')} className="legend">
          {props.series.map(({ id, label, color, dash }) => (
            <li key={id}>
              <Swatch color={color} {...(dash ? { dash } : {})} />
              {label}
            </li>
          ))}
        </ul>
      }
      save={{
        svg: withSvg((drawn) => saveSvg(drawn, props.fileName)),
        png: withSvg((drawn) => void savePng(drawn, props.fileName)),
        csv: () => saveCsv(props.series, everyRow(), props.fileName),
      }}
      table={() => (
        <DataTable
          caption={props.title}
          formatX={numbers.count}
          formatY={props.formatY}
          rows={props.rows}
          series={props.series}
          xTitle={props.xTitle}
        />
      )}
      title={props.title}
      tools={props.tools}
    >
      {(frame) => <div ref={body}>{props.children(frame)}</div>}
    </ChartFrame>
  )
}
