/** What the pointer is over: the rank, and each line's value there. */

import type { Row, Series } from '../series.ts'
import { Swatch } from './Swatch.tsx'

interface PlotTooltipProps {
  readonly series: readonly Series[]
  readonly xTitle: string
  readonly formatX: (value: number) => string
  readonly formatY: (value: number) => string
  /** Set by recharts. */
  readonly active?: boolean
  readonly payload?: readonly { readonly payload?: Row }[]
}

export function PlotTooltip({ series, xTitle, formatX, formatY, active, payload }: PlotTooltipProps) {
  const row = payload?.[0]?.payload
  if (!active || !row) return null
  return (
    <div className="chart-tooltip">
      <div className="chart-tooltip-title">
        {xTitle} {formatX(row.rank)}
      </div>
      {series.map(({ id, label, role }) => {
        const value = row[id]
        return value === null || value === undefined ? null : (
          <div className="chart-tooltip-row" key={id}>
            <Swatch role={role} />
            <span>{label}</span>
            <span className="number">{formatY(value)}</span>
          </div>
        )
      })}
    </div>
  )
}
