/** The ramp with its ends, and the two looks that are no error. */

import { mapSteps as steps } from '../../../core/report/palette.ts'
import { useWords } from '../../words/words.ts'

interface MapLegendProps {
  /** What the ramp shows, and what it means at its ends. */
  readonly title: string
  readonly low: string
  readonly high: string
  /** Why the error of some matrices is not known: they have still to be analyzed, or a goal has still to find their rank. */
  readonly unknown: 'unknown' | 'noRank' | null
  /** Matrices without statistics, where others have them: their cells have a corner. */
  readonly unweighted: number
}

export function MapLegend({ title, low, high, unknown, unweighted }: MapLegendProps) {
  const { t, numbers } = useWords()
  const others = [{ look: 'kept', label: 'kept' } as const, ...(unknown ? [{ look: 'unknown', label: unknown }] : [])]
  return (
    <div className="map-legend">
      <span>
        {title}
        <span className="number">{low}</span>
        <span aria-hidden="true" className="map-ramp">
          {Array.from({ length: steps }, (_, step) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the steps never change
            <span className="map-key" data-look={step} key={step} />
          ))}
        </span>
        <span className="number">{high}</span>
      </span>
      {others.map(({ look, label }) => (
        <span key={look}>
          <span aria-hidden="true" className="map-key" data-look={look} />
          {t(`map.${label}`)}
        </span>
      ))}
      {unweighted === 0 ? null : (
        <span>
          <span aria-hidden="true" className="map-key" data-corner="true" data-look="kept" />
          {t('map.unweighted', { number: numbers.count(unweighted) })}
        </span>
      )}
    </div>
  )
}
