/** What stands on the y axis of a chart: its name, how its numbers read, and which part of the axis is shown. */
import type { Key } from '../../core/messages/english.ts'
import type { Numbers } from '../../core/messages/numbers.ts'
import type { Scale } from '../../core/report/axis.ts'
import { lowestError, valueRange } from './plot/range.ts'
import type { Row, Series } from './series.ts'

const quantityIds = ['error', 'energy', 'value', 'valueError', 'model'] as const
export type Quantity = (typeof quantityIds)[number]

interface QuantityEntry {
  readonly title: Extract<Key, `axis.${string}` | `series.${string}`>
  /** What the x axis counts: ranks from 0 with nothing kept, or singular values from 1. */
  readonly x: 'axis.rank' | 'axis.index' | 'axis.size'
  /** The x axis counts thousandths of the file. */
  readonly thousandths?: true
  /** Which choice of scales it follows; null where only a linear one makes sense. */
  readonly scales: 'error' | 'value' | null
  /** In a CSV file. */
  readonly unit: 'unit.fraction' | 'unit.weights'
  readonly format: keyof Pick<Numbers, 'percent' | 'value'>
  readonly tick: keyof Pick<Numbers, 'tickPercent' | 'value'>
  range(rows: readonly Row[], series: readonly Series[], scale: Scale): readonly [number, number]
}

const share = { unit: 'unit.fraction', format: 'percent', tick: 'tickPercent' } as const

export const quantities: Readonly<Record<Quantity, QuantityEntry>> = {
  error: {
    ...share,
    title: 'axis.error',
    x: 'axis.rank',
    scales: 'error',
    range: (rows, series, scale) => [lowestError(rows, series, scale), 1],
  },
  energy: { ...share, title: 'axis.energy', x: 'axis.rank', scales: null, range: () => [0, 1] },
  model: {
    ...share,
    title: 'axis.model-error',
    x: 'axis.size',
    thousandths: true,
    scales: null,
    range: (rows, series) => [
      0,
      Math.min(1, Math.ceil(10 * Math.max(0.1, valueRange(rows, series, 'linear')[1] / 1.05)) / 10),
    ],
  },
  value: {
    title: 'axis.value',
    x: 'axis.index',
    scales: 'value',
    unit: 'unit.weights',
    format: 'value',
    tick: 'value',
    range: valueRange,
  },
  valueError: {
    ...share,
    title: 'series.value-error',
    x: 'axis.index',
    scales: null,
    range: (rows, series) => {
      const most = valueRange(rows, series, 'linear')[1]
      return [0, most > 0 ? most : 1]
    },
  },
}
