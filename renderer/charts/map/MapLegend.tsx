/** The ramp with its ends, and the two looks that are no error. */

import type { MapScale } from '../../../core/report/map-scale.ts'
import { mapSteps as steps } from '../../../core/report/palette.ts'
import { useWords } from '../../words/words.ts'

interface MapLegendProps {
  readonly scale: MapScale
  /** Why the error of some matrices is not known: they have still to be analyzed, or a goal has still to find their rank. */
  readonly unknown: 'unknown' | 'noRank' | null
}

export function MapLegend({ scale, unknown }: MapLegendProps) {
  const { t, numbers } = useWords()
  const others = [{ look: 'kept', label: 'kept' } as const, ...(unknown ? [{ look: 'unknown', label: unknown }] : [])]
  return (
    <div className="map-legend">
      <span>
        {t('chart.error')}
        <span className="number">{numbers.tickPercent(scale.low)}</span>
        <span aria-hidden="true" className="map-ramp">
          {Array.from({ length: steps }, (_, step) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the steps never change
            <span className="map-key" data-look={step} key={step} />
          ))}
        </span>
        <span className="number">{numbers.tickPercent(scale.high)}</span>
      </span>
      {others.map(({ look, label }) => (
        <span key={look}>
          <span aria-hidden="true" className="map-key" data-look={look} />
          {t(`map.${label}`)}
        </span>
      ))}
    </div>
  )
}
