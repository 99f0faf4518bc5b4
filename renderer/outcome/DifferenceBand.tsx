/** What is open where it is no model: two models side by side with the verdict on them, or an adapter and what it is made of. */
import { Anchor, Button, Loader, Progress } from '@mantine/core'
import { shareOf } from '../../core/client/job-view.ts'
import type { DifferenceReport } from '../../core/contract.ts'
import { isMostlyNoise } from '../../core/curves/noise-line.ts'
import { useFile } from '../choices/file.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { openPair } from '../model/file/file-actions.ts'
import { lookAtPair, useNoiseShare, usePair } from '../model/looking/pair.ts'
import { useWork } from '../model/looking/work.ts'
import { useSentences, useWords } from '../words/words.ts'

export function DifferenceBand() {
  const difference = useFile(({ report }) => report?.difference)
  if (!difference) return null
  return (
    <section className="difference" data-of={difference.of} data-testid="difference">
      {difference.of === 'pair' ? <PairBand difference={difference} /> : <AdapterBand difference={difference} />}
    </section>
  )
}

function PairBand({ difference }: { readonly difference: DifferenceReport }) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const { report, fault } = usePair()
  const running = useWork((state) => state.pair)
  const noise = useNoiseShare()
  const { grant, source } = useFile()
  const [base, tuned] = difference.names
  const share = running && shareOf(running.view)
  return (
    <>
      <p className="difference-names">
        <strong className="ellipsis" title={tuned}>
          {tuned}
        </strong>
        <span aria-label={t('pair.minus')} role="img">
          −
        </span>
        <strong className="ellipsis" title={base}>
          {base}
        </strong>
        {source.of === 'pair' && grant ? (
          <Anchor component="button" inherit onClick={() => void openPair(grant, source.base)} type="button">
            {t('pair.swap')}
          </Anchor>
        ) : null}
      </p>
      {report ? (
        <p
          className="difference-verdict"
          data-cosine={report.cosine}
          data-share={report.differenceShare}
          data-testid="pair-verdict"
        >
          <strong>{sentences(report.verdict)}</strong>
          {t('app.gap')}
          {t('pair.apart', { share: numbers.percent(report.differenceShare) })}
          {t('app.gap')}
          {noise === null ? (
            report.identical ? null : (
              t('pair.structureUnknown')
            )
          ) : (
            <span data-noise={noise} data-testid="pair-structure">
              {isMostlyNoise(noise)
                ? t('pair.noStructure', { share: numbers.percent(noise) })
                : t('pair.structure', { share: numbers.percent(1 - noise) })}
            </span>
          )}
          {t('app.gap')}
          {sentences(report.notices)}
        </p>
      ) : running ? (
        <output className="difference-busy">
          <Loader size={14} /> {t('pair.comparing')}
          {share === null ? null : <Progress aria-label={t('pair.comparing')} value={share * 100} w={120} />}
        </output>
      ) : fault ? (
        <ErrorBox error={fault}>
          <Button color="red" onClick={lookAtPair} size="compact-sm" variant="light">
            {t('job.retry')}
          </Button>
        </ErrorBox>
      ) : null}
    </>
  )
}

function AdapterBand({ difference }: { readonly difference: DifferenceReport }) {
  const { t, numbers } = useWords()
  const { adapter, family } = difference
  if (!adapter) return null
  const { modules, ranks, scales, kinds, form, alphas } = adapter
  const range = ([low, high]: readonly [number, number], show: (value: number) => string) =>
    low === high ? show(low) : t('adapter.range', { low: show(low), high: show(high) })
  return (
    <p className="difference-verdict" data-form={form} data-testid="adapter-facts">
      <strong>
        {t('adapter.is', {
          form: t(`adapter.forms.${form}.name`),
          kinds: [...new Set(kinds.map((kind) => t(`adapter.kinds.${kind}`)))].join(t('app.items')),
          family: family ?? t('adapter.noFamily'),
        })}
      </strong>
      {t('app.gap')}
      {t('adapter.facts', {
        count: modules,
        number: numbers.count(modules),
        ranks: range(ranks, numbers.count),
        scales: range(scales, (value) => numbers.count(Number(value.toPrecision(4)))),
      })}
      {t('app.gap')}
      {alphas === 0 ? t('adapter.noAlphas') : null}
    </p>
  )
}
