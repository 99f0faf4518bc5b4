/** The lines of a chart by name, each with its value at the rank that is marked: the legend is the read-out. */
import { useWords } from '../words/words.ts'
import { Swatch } from './Swatch.tsx'
import type { Series } from './series.ts'

interface LegendProps {
  readonly series: readonly Series[]
  readonly rank: number
  /** That rank, in words. */
  readonly at: string
  readonly format: (value: number) => string
}

export function Legend({ series, rank, at: where, format }: LegendProps) {
  const { t } = useWords()
  return (
    <div className="legend">
      <span className="legend-rank number">{where}</span>
      <ul aria-label={t('chart.legend')}>
        {series.map(({ id, label, role, at }) => {
          const value = at(rank)
          return (
            <li data-series={id} key={id}>
              <Swatch role={role} />
              <span>{label}</span>
              {value === null ? null : <strong className="number">{format(value)}</strong>}
            </li>
          )
        })}
      </ul>
    </div>
  )
}
