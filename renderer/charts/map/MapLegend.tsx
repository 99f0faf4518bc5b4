/** The ramp with its ends, and the two looks that are no error. */
import { useWords } from '../../words.ts'
import { type MapScale, steps } from './scale.ts'

export function MapLegend({ scale }: { readonly scale: MapScale }) {
  const { t, numbers } = useWords()
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
      {(['kept', 'unknown'] as const).map((look) => (
        <span key={look}>
          <span aria-hidden="true" className="map-key" data-look={look} />
          {t(`map.${look}`)}
        </span>
      ))}
    </div>
  )
}
