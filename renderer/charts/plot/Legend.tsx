/** The lines of a chart by name, each with its value at the rank that is marked: the legend is the read-out. */
import { useWords } from '../../words/words.ts'
import type { Series } from '../series.ts'
import { Swatch } from './Swatch.tsx'

interface LegendProps {
  readonly series: readonly Series[]
  /** null: none is marked, and the lines are named only. */
  readonly rank: number | null
  /** That rank, in words. */
  readonly at: string | null
  readonly format: (value: number) => string
}

export function Legend({ series, rank, at: where, format }: LegendProps) {
  const { t } = useWords()
  return (
    <div className="legend">
      {where === null ? null : <span className="legend-rank number">{where}</span>}
      <ul aria-label={t('chart.legend')}>
        {series.map(({ id, label, role, at }) => {
          const value = rank === null ? null : at(rank)
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
