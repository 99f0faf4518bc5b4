/** One row for each model: bytes, how far its outputs are from the original's, and what a run takes. */
import { Table } from '@mantine/core'
import type { TriedModel } from '../../core/contract.ts'
import { say } from '../../core/messages/english.ts'
import { fileName, quoted } from '../../core/messages/text.ts'
import { CheckIcon, WarningIcon } from '../frame/icons.tsx'
import { answersOf, type Tried } from '../model/answering/try.ts'
import { useSentences, useWords } from '../words/words.ts'
import { useErrorWords, useFormWords, useLatencyWords } from './form-words.ts'

export function TryTable({ tried: { report, candidates } }: { readonly tried: Tried }) {
  const { t, numbers } = useWords()
  const words = useFormWords()
  const took = useLatencyWords()
  const errorWords = useErrorWords()
  const sentences = useSentences()
  const { original, compressed, samples, runs, threads, inputs } = report
  const latency = ({ latencyMs: { median, low, high } }: Pick<TriedModel, 'latencyMs'>) => (
    <>
      {took(median)}
      <span className="ab-range"> {t('ab.range', { low: took(low), high: took(high) })}</span>
    </>
  )
  return (
    <section aria-label={t('try.result')} className="try-result" data-inputs={inputs} data-testid="try-result">
      <Sentence tried={{ report, candidates }} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section aria-label={t('try.title')} className="try-table" tabIndex={0}>
        <Table tabularNums verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t('try.columns.model')}</Table.Th>
              {(['bytes', 'error', 'agreement', 'cosine', 'latency', 'ratio', 'memory'] as const).map((column) => (
                <Table.Th className="right" key={column} scope="col" title={t(`try.help.${column}`)}>
                  {t(`try.columns.${column}`)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr data-testid="try-original">
              <Table.Th scope="row">
                <span className="ellipsis try-name">{original.name}</span>
                <span className="dimmed small">{t('try.original')}</span>
              </Table.Th>
              <Table.Td className="right nowrap">{numbers.bytes(original.byteLength)}</Table.Td>
              <Table.Td className="right">–</Table.Td>
              <Table.Td className="right">–</Table.Td>
              <Table.Td className="right">–</Table.Td>
              <Table.Td className="right nowrap">{latency(original)}</Table.Td>
              <Table.Td className="right">1</Table.Td>
              <Table.Td className="right nowrap">{numbers.bytes(original.peakBytes)}</Table.Td>
            </Table.Tr>
            {compressed.map((model, i) => {
              const { notFinite, error, cosine, agreement } = answersOf(model)
              const { median, low, high } = model.latencyRatio
              return (
                <Table.Tr
                  data-agreement={agreement ?? ''}
                  data-error={error ?? ''}
                  data-testid="try-row"
                  key={candidates[i]!.id}
                >
                  <Table.Th scope="row">
                    <span className="ellipsis try-name" title={model.name}>
                      {model.name}
                    </span>
                    <span className="dimmed small">{words(candidates[i]!.recipe)}</span>
                  </Table.Th>
                  <Table.Td className="right nowrap">
                    {numbers.bytes(model.byteLength)}
                    <span className="ab-range">
                      {' '}
                      {numbers.percent(model.byteLength / Math.max(1, original.byteLength))}
                    </span>
                  </Table.Td>
                  <Table.Td className="right">{errorWords(notFinite, error)}</Table.Td>
                  <Table.Td className="right">{agreement === null ? '–' : numbers.percent(agreement)}</Table.Td>
                  <Table.Td className="right">{cosine === null ? '–' : cosine.toFixed(5)}</Table.Td>
                  <Table.Td className="right nowrap">{latency(model)}</Table.Td>
                  <Table.Td className="right nowrap">
                    {numbers.ratio(median)}
                    <span className="ab-range">
                      {' '}
                      {t('ab.range', { low: numbers.ratio(low), high: numbers.ratio(high) })}
                    </span>
                  </Table.Td>
                  <Table.Td className="right nowrap">{numbers.bytes(model.peakBytes)}</Table.Td>
                </Table.Tr>
              )
            })}
          </Table.Tbody>
        </Table>
      </section>
      <p className="dimmed small">
        {t(`try.${inputs}`, { count: samples })}
        {t('app.gap')}
        {t('try.runs', { count: runs, threads })}
      </p>
      {notFiniteOf(compressed)
        .map(sentences)
        .map((notice) => (
          <p className="caveat" key={notice} role="note">
            {notice}
          </p>
        ))}
      {compressed.some(({ outputs }) => outputs.length > 1) ? <EachOutput compressed={compressed} /> : null}
    </section>
  )
}

/** A sentence for each output with NaN or Inf. */
function notFiniteOf(models: readonly TriedModel[]) {
  return models.flatMap((model) =>
    model.outputs
      .filter(({ notFinite }) => notFinite > 0)
      .map(({ name, notFinite: count }) =>
        say('answers.not-finite', { name: fileName(model.name), output: quoted(name), count }),
      ),
  )
}

/** What it means for the answers, of the form that is nearest: green is earned by given inputs alone. */
function Sentence({ tried: { report, candidates } }: { readonly tried: Tried }) {
  const { t, numbers } = useWords()
  const errorWords = useErrorWords()
  const { inputs, compressed } = report
  const [best] = compressed
    .map((model, i) => ({ model, candidate: candidates[i]!, ...answersOf(model) }))
    .toSorted((a, b) => a.notFinite - b.notFinite || (a.error ?? 0) - (b.error ?? 0))
  if (!best) return null
  const { model, notFinite, error, agreement, rows, kept } = best
  const verdict = inputs === 'drawn' ? 'drawn' : kept ? 'kept' : 'changed'
  const facts = { name: model.name, error: errorWords(notFinite, error) }
  return (
    <p className="try-sentence" data-testid="try-verdict" data-verdict={verdict}>
      {verdict === 'kept' ? <CheckIcon size={18} /> : verdict === 'changed' ? <WarningIcon size={18} /> : null}
      <span>
        <strong>{t(`try.verdicts.${verdict}`)}</strong>
        {t('app.gap')}
        {agreement === null
          ? t('try.facts', facts)
          : t('try.factsClasses', {
              ...facts,
              share: numbers.percent(agreement),
              rows: numbers.count(rows),
            })}
      </span>
    </p>
  )
}

/** Where a model has several outputs. */
function EachOutput({ compressed }: { readonly compressed: readonly TriedModel[] }) {
  const { t, numbers } = useWords()
  const errorWords = useErrorWords()
  return (
    <details className="try-outputs">
      <summary>{t('try.outputs')}</summary>
      <Table tabularNums verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('try.columns.output')}</Table.Th>
            <Table.Th scope="col">{t('try.columns.model')}</Table.Th>
            {(['error', 'largest', 'agreement', 'amongFive', 'cosine'] as const).map((column) => (
              <Table.Th className="right" key={column} scope="col">
                {t(`try.columns.${column}`)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {compressed.flatMap((model) =>
            model.outputs.map(({ name, dims, notFinite, relativeError, largestError, classes, cosine }) => (
              <Table.Tr key={`${model.name} ${name}`}>
                <Table.Th scope="row">
                  {name} <span className="dimmed">{dims.join(' × ')}</span>
                </Table.Th>
                <Table.Td>{model.name}</Table.Td>
                <Table.Td className="right">{errorWords(notFinite, relativeError)}</Table.Td>
                <Table.Td className="right">{largestError === null ? '–' : numbers.percent(largestError)}</Table.Td>
                <Table.Td className="right">
                  {classes ? numbers.percent(classes.sameFirst / classes.rows) : '–'}
                </Table.Td>
                <Table.Td className="right">
                  {classes ? numbers.percent(classes.firstAmongFive / classes.rows) : '–'}
                </Table.Td>
                <Table.Td className="right">{cosine === null ? '–' : cosine.toFixed(5)}</Table.Td>
              </Table.Tr>
            )),
          )}
        </Table.Tbody>
      </Table>
    </details>
  )
}
