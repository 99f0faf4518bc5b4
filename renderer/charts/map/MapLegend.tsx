/** The ramp with its ends, and the two looks that are no error. */
import { useWords } from '../../words.ts'
import { type MapScale, steps } from './scale.ts'

interface MapLegendProps {
  readonly scale: MapScale
  /** Whether some matrices have still to be analyzed. */
  readonly unknown: boolean
}

export function MapLegend({ scale, unknown }: MapLegendProps) {
  const { t, numbers } = useWords()
  const others = unknown ? (['kept', 'unknown'] as const) : (['kept'] as const)
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
      {others.map((look) => (
        <span key={look}>
          <span aria-hidden="true" className="map-key" data-look={look} />
          {t(`map.${look}`)}
        </span>
      ))}
    </div>
  )
}
