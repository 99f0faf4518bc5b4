/** The sum of the list: how many tensors, how many can be compressed, and why the others are kept. */

import { Anchor, Popover } from '@mantine/core'
import { memo, useMemo } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { inEnglish } from '../../core/messages/english.ts'
import type { Message } from '../../core/messages/message.ts'
import { useFile } from '../choices/file.ts'
import { isCompressed } from '../choices/rules.ts'
import { useSelection } from '../choices/selection.ts'
import { useWholeBytes } from '../model/figures/verdicts.ts'
import { useSentences, useWords } from '../words/words.ts'

interface ListFooterProps {
  readonly tensors: readonly TensorReport[]
  readonly shown: number
  readonly total: string
}

/** Reasons with numbers in them are all different: the most frequent ones are named. */
const mostReasons = 12

export const ListFooter = memo(function ListFooter({ tensors, shown, total }: ListFooterProps) {
  const { t, numbers } = useWords()
  const ofModel = useFile(({ report }) => report?.difference === undefined)
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  const compressible = useMemo(
    () => tensors.filter((tensor) => isCompressed(tensor, { included, excluded })).length,
    [tensors, included, excluded],
  )
  // What was ticked by default and is no more could still be compressed.
  const possible = useMemo(
    () =>
      compressible + tensors.filter(({ name, matrix, plan }) => matrix && plan !== 'keep' && excluded.has(name)).length,
    [tensors, compressible, excluded],
  )
  const whole = useWholeBytes()
  const kept = tensors.length - compressible
  const inInt8 = useMemo(
    () => tensors.filter((tensor) => whole.has(tensor.name) && !isCompressed(tensor, { included, excluded })).length,
    [tensors, whole, included, excluded],
  )
  const keptWords = [
    inInt8 > 0 ? t('list.keptInt8', { count: inInt8, number: numbers.count(inInt8) }) : null,
    kept > inInt8
      ? t(ofModel ? 'list.kept' : 'adapter.leftOut', { count: kept - inInt8, number: numbers.count(kept - inInt8) })
      : null,
  ].filter((part) => part !== null)

  return (
    <footer className="facts list-footer">
      <span>
        {shown === tensors.length
          ? t('list.tensors', { count: tensors.length, total })
          : t('list.shown', { shown: numbers.count(shown), total })}
      </span>
      <span>
        {ofModel && possible > compressible
          ? t('list.ticked', { number: numbers.count(compressible), total: numbers.count(possible) })
          : t(ofModel ? 'list.compressible' : 'adapter.inList', {
              count: compressible,
              number: numbers.count(compressible),
            })}
      </span>
      {kept > 0 ? (
        <span>
          {keptWords.join(' · ')}{' '}
          <Popover position="top-start" returnFocus shadow="md" trapFocus width={340} withArrow>
            <Popover.Target>
              <Anchor component="button" size="xs" type="button">
                {t('list.why')}
              </Anchor>
            </Popover.Target>
            <Popover.Dropdown>
              <Reasons tensors={tensors} />
            </Popover.Dropdown>
          </Popover>
        </span>
      ) : null}
    </footer>
  )
})

/** Counted when somebody asks: of ten thousand tensors each has a sentence of its own. */
function Reasons({ tensors }: Pick<ListFooterProps, 'tensors'>) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  const reasons = useMemo(() => {
    const counted = new Map<string, { readonly reason: Message | null; count: number }>()
    for (const tensor of tensors) {
      if (isCompressed(tensor, { included, excluded })) continue
      const why = tensor.plan === 'keep' ? tensor.reason : null
      const english = why ? inEnglish(why) : ''
      const group = counted.get(english) ?? { reason: why, count: 0 }
      group.count++
      counted.set(english, group)
    }
    return [...counted].sort(([, a], [, b]) => b.count - a.count)
  }, [tensors, included, excluded])
  return (
    <ul className="reasons">
      {reasons.slice(0, mostReasons).map(([english, { reason: why, count }]) => (
        <li key={english}>
          <span className="number">{numbers.count(count)}</span>
          <span>{why ? sentences(why) : t('reasons.excluded')}</span>
        </li>
      ))}
      {reasons.length > mostReasons ? <li>{t('list.moreReasons', { count: reasons.length - mostReasons })}</li> : null}
    </ul>
  )
}
