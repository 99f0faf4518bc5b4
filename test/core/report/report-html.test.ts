/** The report as it is handed on: one file that says everything, asks nothing of a network, and runs nothing but its own sorting. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { CompressionReport, RecipeInput, TensorOutcome } from '../../../core/contract.ts'
import { chinese } from '../../../core/messages/chinese.ts'
import { say } from '../../../core/messages/english.ts'
import { quoted } from '../../../core/messages/text.ts'
import { defaultParams } from '../../../core/params.ts'
import { differencePlanHtml } from '../../../core/report/difference-html.ts'
import { reportPage, reportScript, reportStyle, scriptHash, styleHash } from '../../../core/report/page.ts'
import { planReportHtml, runReportHtml } from '../../../core/report/report-html.ts'

const recipe: RecipeInput = {
  output: 'factors',
  params: { ...defaultParams, goalSize: 0.4 },
  include: [],
  exclude: ['*.gate'],
}
const hostile = 'model.layers.0.<script>alert(1)</script>"onload="x'
const outcomeOf = (i: number): TensorOutcome =>
  i % 3 === 2
    ? {
        name: `model.layers.${i}.gate.weight`,
        action: 'kept',
        reason: say('plan.excluded', { pattern: quoted('*.gate') }),
        ...{ rank: null, relativeError: 0, bytesBefore: 1e6, bytesAfter: 1e6 },
      }
    : {
        name: i === 0 ? hostile : `model.layers.${i}.mlp.up_proj.weight`,
        action: 'factorized',
        reason: say('plan.finished-factorized'),
        ...{ rank: 10 + i, factorDType: 'BF16', relativeError: 0.1 + i / 1000, bytesBefore: 1e6, bytesAfter: 4e5 },
      }

const report = (count: number): CompressionReport => ({
  output: 'small.safetensors',
  source: 'ab'.repeat(32),
  files: 1,
  ...{ bytesBefore: count * 1e6, bytesAfter: count * 6e5, plannedBytes: count * 6e5 },
  ...{ relativeError: 0.234, absoluteError: null, verified: true, notices: [] },
  tensors: Array.from({ length: count }, (_, i) => outcomeOf(i)),
  ...{ elapsedMs: 4300, kernel: 'simd', arithmetic: 'fused', threads: 2, peakBytes: 1.5e8 },
})
const made = { language: 'en', time: Date.UTC(2026, 10, 29), source: 'model.safetensors' } as const
const html = runReportHtml({ ...made, recipe, report: report(300) })

test('the policy inside allows its own style and script, and nothing else', () => {
  const hash = (text: string) => createHash('sha256').update(text).digest('base64')
  expect(styleHash).toBe(hash(reportStyle))
  expect(scriptHash).toBe(hash(reportScript))
  const page = reportPage({ language: 'en', title: '', subtitle: '', body: '' })
  expect(page).toContain("default-src 'none'; style-src 'sha256-")
  expect(page).not.toContain('unsafe')
  // A style attribute would be one more style.
  expect(html).not.toMatch(/ style="/)
  expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
})

describe('a run', () => {
  test('is outcome, settings, table, charts, map, verification, recipe and how to load it, below 2 MB for 300 tensors', () => {
    expect(html.length).toBeLessThan(2e6)
    for (const part of [
      '300 MB → 180 MB',
      '23.40',
      'Every tensor of the output was read back',
      'ab'.repeat(32),
      '--goal-size 40%',
      "--exclude '*.gate'",
      'load_file(&quot;small.safetensors&quot;)',
      '&quot;recipe&quot;: 1',
    ])
      expect(html.replaceAll('\u00a0', ' ')).toContain(part)
    expect(html.match(/<svg /g)).toHaveLength(2)
    expect(html.match(/<tr>/g)).toHaveLength(301)
  })

  test('shows where it came out on the curve of other sizes, where its analysis knew that', () => {
    const plansBySize = Array.from({ length: 129 }, (_, i): [number, number] => [i * 2e6, 0.5 - i / 300])
    const known = runReportHtml({ ...made, recipe, report: { ...report(300), plansBySize } }).replaceAll('\u00a0', ' ')
    expect(known.match(/<svg /g)).toHaveLength(3)
    for (const part of ['Size against error', 'Error of the plan at each size', '180 MB, 23.40 %'])
      expect(known).toContain(part)
  })

  test('sorts by numbers, not by their texts', () => {
    expect(html).toContain('data-v="0.101"')
    expect(html).toContain('class="sortable"')
  })

  test('runs nothing that a name brings along', () => {
    expect(html).not.toContain('<script>alert')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;onload=&quot;x')
  })

  test('is the same file wherever it is made', () => {
    expect(runReportHtml({ ...made, recipe, report: report(300) })).toBe(html)
  })

  test('speaks Chinese', () => {
    const other = runReportHtml({ ...made, language: 'zh-CN', recipe, report: report(3) })
    expect(other).toContain('<html lang="zh-CN">')
    expect(other).toContain(chinese['report.caveat']({}, undefined as never))
  })
})

test('a plan says that nothing was written', () => {
  const { tensors, ...rest } = report(3)
  const planned = planReportHtml({
    ...made,
    recipe,
    report: {
      ...rest,
      errorIsLeast: false,
      analyzed: 3,
      tensors: tensors.map(({ name, reason, rank, bytesBefore, bytesAfter, relativeError, action }) => ({
        ...{ name, reason, rank, bytesBefore, bytesAfter, int8Increase: null },
        factorDType: rank === null ? null : 'BF16',
        relativeError: relativeError ?? 0,
        action: action === 'kept' ? 'keep' : 'factorize',
      })),
    },
  })
  expect(planned).toContain('Nothing was written')
  expect(planned).not.toContain('read back')
})

test('says of two models what lies between them, and how to write the adapter', () => {
  const { tensors, ...rest } = report(3)
  const html = differencePlanHtml({
    ...made,
    report: {
      ...rest,
      ...{ errorIsLeast: false, analyzed: 3, absoluteError: 0.1 },
      tensors: tensors.map(({ name, reason, rank, bytesBefore, bytesAfter, relativeError, action }) => ({
        ...{ name, reason, rank, bytesBefore, bytesAfter, int8Increase: null, factorDType: null },
        relativeError: relativeError ?? 0,
        action: action === 'kept' ? 'keep' : 'factorize',
      })),
    },
    difference: {
      ...{
        of: 'pair',
        names: ['base', 'tuned'],
        relativeTo: null,
        form: 'peft',
        forms: [],
        family: 'GPT-2',
        dtype: 'BF16',
      },
      ...{ convolutions: false, adapter: null },
    },
    pair: {
      ...{ cosine: 0.9987, differenceShare: 0.031, identical: false, elapsedMs: 1, notices: [] },
      verdict: [say('extract.verdict-fine-tune', { cosine: 0.9987 })],
      differences: tensors.map(({ name }) => ({ name, module: null, share: 0.042, norm: 1 })),
    },
    command: 'ghostsvd extract base tuned --to peft --out <tuned-lora>',
  })
  for (const said of ['A fine-tune', 'GPT-2', '--out &lt;tuned-lora&gt;', 'Nothing was written'])
    expect(html).toContain(said)
  // Of the models, and in each row.
  expect(html.match(/>3\.10?\s?%/g)).toHaveLength(1)
  expect(html.match(/>4\.20?\s?%/g)).toHaveLength(tensors.length)
  expect(html).not.toContain('<script>alert')
})
