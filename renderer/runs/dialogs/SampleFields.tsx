/** What a model is run on: files of arrays, or how many samples to draw, and sizes that it leaves open. */
import { CloseButton } from '@mantine/core'
import { useMemo } from 'react'
import { type Grant, mostSamples } from '../../../core/contract.ts'
import { useFile } from '../../choices/file.ts'
import { NumberField } from '../../choices/ParamField.tsx'
import { openSizesOf, type SampleUse, samplesReducers, useSamples } from '../../choices/samples.ts'
import { useAttempt } from '../../frame/attempt.ts'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { useWords } from '../../words/words.ts'
import { ModelPicker } from './ModelPicker.tsx'

/** Values along one dimension: more would be too many in all. */
const mostAlong = 1 << 20
const noInputs = {}

export function SampleFields({ use }: { readonly use: SampleUse }) {
  const { t } = useWords()
  const { given: all, drawn, sizes } = useSamples()
  const given = all[use]
  const report = useFile((state) => state.report)
  const open = useMemo(() => openSizesOf(report ?? noInputs), [report])
  const { error, dismiss, attempt } = useAttempt()
  const pick = (grant: Promise<Grant | null>) =>
    attempt(async () => {
      const picked = await grant
      if (picked) samplesReducers.give(use, picked)
    })
  return (
    <fieldset className="samples" data-testid="samples">
      <legend>{t('samples.title')}</legend>
      {given.length > 0 ? (
        <ul className="samples-given">
          {given.map(({ id, name }) => (
            <li key={id}>
              <span className="ellipsis" title={name}>
                {name}
              </span>
              <CloseButton
                aria-label={t('samples.takeBack', { name })}
                onClick={() => samplesReducers.takeBack(use, id)}
                size="sm"
              />
            </li>
          ))}
        </ul>
      ) : (
        <p className="field-help">{t('samples.drawnHelp')}</p>
      )}
      <div className="samples-row">
        <ModelPicker folders={false} label={t('samples.title')} onPick={pick} testId={`${use}-inputs`} />
      </div>
      {given.length > 0 ? null : (
        <div className="samples-row">
          <NumberField
            allowDecimal={false}
            allowNegative={false}
            clampBehavior="none"
            label={t('samples.drawn')}
            max={mostSamples}
            min={1}
            onNumber={(count) => {
              if (!(count >= 1 && count <= mostSamples)) return false
              samplesReducers.draw(use, count)
              return true
            }}
            size="xs"
            value={drawn[use]}
            w={120}
          />
          {open.map(({ key, usual }) => (
            <NumberField
              allowDecimal={false}
              allowNegative={false}
              clampBehavior="none"
              key={key}
              label={t('samples.size', { name: key })}
              max={mostAlong}
              min={1}
              onNumber={(size) => {
                if (!(size >= 1 && size <= mostAlong)) return false
                samplesReducers.size(key, size)
                return true
              }}
              size="xs"
              value={sizes[key] ?? usual}
              w={120}
            />
          ))}
        </div>
      )}
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
    </fieldset>
  )
}
