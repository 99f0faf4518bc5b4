/** What the pointer or the keyboard is at: its name, rank, error and bytes, and why it is what it is. */
import { useCallback } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import { useStatistics } from '../../choices/statistics.ts'
import type { Outlook } from '../../model/figures/outlook.ts'
import { useInt8Words } from '../../words/int8-words.ts'
import { useSentences, useWords } from '../../words/words.ts'
import type { Frame } from '../plot/axis.ts'
import type { Looked } from './MapGrid.tsx'

interface MapDetailsProps {
  readonly looked: Looked | null
  readonly outlookOf: (tensor: TensorReport) => Outlook
  readonly frame: Frame
}

/** In px: what stands at the pointer does not leave the map. */
const width = 300

export function MapDetails({ looked, outlookOf, frame }: MapDetailsProps) {
  const { t } = useWords()
  const facts = useFacts()
  if (!looked)
    return (
      <div className="map-details dimmed small" data-testid="map-details">
        {t('map.hint')}
      </div>
    )
  const { tensor, at } = looked
  const outlook = outlookOf(tensor)
  const said = facts(tensor, outlook)
  return (
    <>
      <div className="map-details small" data-testid="map-details">
        <strong className="ellipsis" title={tensor.name}>
          {tensor.name}
        </strong>
        <span className="number ellipsis">{said.join(' · ')}</span>
      </div>
      {at ? (
        <div
          aria-hidden="true"
          className="chart-tooltip map-hint"
          style={{
            left: at.x + 16 + width > frame.width ? Math.max(0, at.x - 16 - width) : at.x + 16,
            width,
            ...(at.y > frame.height / 2 ? { bottom: frame.height - at.y + 12 } : { top: at.y + 16 }),
          }}
        >
          <div className="chart-tooltip-title">{tensor.name}</div>
          {said.map((fact) => (
            <div className="number" key={fact}>
              {fact}
            </div>
          ))}
        </div>
      ) : null}
    </>
  )
}

/** Rank, error, bytes and what INT8 would do, as far as they are known; of what is kept the reason. */
function useFacts(): (tensor: TensorReport, outlook: Outlook) => string[] {
  const { t, numbers } = useWords()
  const int8 = useInt8Words()
  const sentences = useSentences()
  const covered = useStatistics(({ chosen }) => chosen?.covered ?? null)
  return useCallback(
    (tensor, { kept, inInt8, rank, error, resolution, weightError, errorAtHalf, bytesAfter, planned }) => {
      const by = covered?.get(tensor.name)
      const weighed = !covered
        ? []
        : [by ? (by.from === null ? t('map.weighted') : t('map.borrowed', { name: by.from })) : t('map.uncovered')]
      const bytes = `${numbers.bytes(tensor.byteLength)} → ${numbers.bytes(bytesAfter)}`
      if (kept) {
        const why = planned ? planned.reason : tensor.plan === 'keep' ? tensor.reason : null
        return [
          t(inInt8 ? 'map.inInt8' : 'map.kept'),
          ...(error === null ? [] : [t('map.error', { error: numbers.error(error, resolution) })]),
          inInt8 ? bytes : numbers.bytes(tensor.byteLength),
          ...(why ? [sentences(why)] : []),
          ...weighed,
        ]
      }
      if (rank === null)
        return errorAtHalf === null
          ? [t('map.noRank'), ...weighed]
          : [t('map.atHalf', { error: numbers.percent(errorAtHalf) }), t('map.noRank'), ...weighed]
      return [
        t('chart.rankMark', { rank: numbers.count(rank) }),
        error === null
          ? t('map.unknown')
          : t(by ? 'map.ofOutputs' : 'map.error', { error: numbers.error(error, resolution) }),
        ...(weightError === null ? [] : [t('map.ofWeights', { error: numbers.percent(weightError) })]),
        bytes,
        ...[planned && int8(planned)].filter((part) => part !== null),
        ...weighed,
      ]
    },
    [t, numbers, int8, sentences, covered],
  )
}

/** The same in one sentence for a screen reader. */
export function useDescription(): (tensor: TensorReport, outlook: Outlook) => string {
  const { t } = useWords()
  const facts = useFacts()
  return useCallback((tensor, outlook) => [tensor.name, ...facts(tensor, outlook)].join(t('app.items')), [t, facts])
}
