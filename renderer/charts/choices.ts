/** How charts are looked at: the same for every tensor and every tab, until it is changed. */
import { create } from 'zustand'

/** Which ranks the axis shows. */
export const zooms = ['around', 'breakEven', 'full'] as const
export type Zoom = (typeof zooms)[number]

/** `log-log`: ranks too, where spectra that fall as a power of the index are straight lines. */
export const scaleChoices = { error: ['linear', 'log'], value: ['linear', 'log', 'log-log'] } as const
export type ScaleChoice = 'linear' | 'log' | 'log-log'

interface ChartChoices {
  readonly zoom: Zoom
  readonly error: ScaleChoice
  readonly value: ScaleChoice
}

export const useChartChoices = create<ChartChoices>(() => ({ zoom: 'around', error: 'linear', value: 'log' }))

export const chartChoiceReducers = {
  zoom(zoom: Zoom) {
    useChartChoices.setState({ zoom })
  },
  scale(of: 'error' | 'value', scale: ScaleChoice) {
    useChartChoices.setState({ [of]: scale })
  },
}
