/** What the pointer or the keyboard is at, in one line below the map. */
import { useCallback } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import type { Outlook } from '../../model/outlook.ts'
import { useInt8Words } from '../../words/int8-words.ts'
import { useWords } from '../../words/words.ts'

interface MapDetailsProps {
  readonly tensor: TensorReport | null
  readonly outlook: Outlook | null
}

export function MapDetails({ tensor, outlook }: MapDetailsProps) {
  const { t } = useWords()
  const facts = useFacts()
  return (
    <div className="map-details" data-testid="map-details">
      {tensor && outlook ? (
        <>
          <strong title={tensor.name}>{tensor.name}</strong>
          <span className="number">{facts(tensor, outlook).join(' · ')}</span>
        </>
      ) : (
        <span>{t('map.hint')}</span>
      )}
    </div>
  )
}

/** Rank, error, bytes and what INT8 would do, as far as they are known. */
function useFacts(): (tensor: TensorReport, outlook: Outlook) => string[] {
  const { t, numbers } = useWords()
  const int8 = useInt8Words()
  return useCallback(
    (tensor, { kept, rank, error, bytesAfter, planned }) => {
      const bytes = `${numbers.bytes(tensor.byteLength)} → ${numbers.bytes(bytesAfter)}`
      if (kept) return [t('map.kept'), numbers.bytes(tensor.byteLength)]
      if (rank === null) return [t('map.noRank')]
      return [
        t('chart.rankMark', { rank: numbers.count(rank) }),
        error === null ? t('map.unknown') : t('map.error', { error: numbers.percent(error) }),
        bytes,
        ...[planned && int8(planned)].filter((part) => part !== null),
      ]
    },
    [t, numbers, int8],
  )
}

/** The same in one sentence for a screen reader. */
export function useDescription(): (tensor: TensorReport, outlook: Outlook) => string {
  const facts = useFacts()
  return useCallback((tensor, outlook) => [tensor.name, ...facts(tensor, outlook)].join(', '), [facts])
}
