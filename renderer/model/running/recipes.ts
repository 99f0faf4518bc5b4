/** Recipes and reports: files of the page's own, read from and handed to the browser. */
import {
  type AnalysisReport,
  mostRecipeBytes,
  parseRecipe,
  type Recipe,
  type RecipeInput,
  type Run,
  recipeFile,
  recipeOf,
  reportCsv,
  reportJson,
} from '../../../core/contract.ts'
import { decodeText } from '../../../core/decode-text.ts'
import { AppError } from '../../../core/errors.ts'
import { say } from '../../../core/messages/english.ts'
import type { Language } from '../../../core/messages/languages.ts'
import { fileName } from '../../../core/messages/text.ts'
import { recipeKeys } from '../../../core/params.ts'
import { differencePlanHtml } from '../../../core/report/difference-html.ts'
import { analysisReportHtml, planReportHtml, runReportHtml } from '../../../core/report/report-html.ts'
import { adapterStyles, styleIds } from '../../../core/styles.ts'
import { withoutWeightEnding } from '../../../core/weight-formats.ts'
import { useFile } from '../../choices/file.ts'
import { paramsReducers } from '../../choices/params.ts'
import { selectionReducers } from '../../choices/selection.ts'
import { statisticsReducers } from '../../choices/statistics.ts'
import { connection } from '../../frame/connection.ts'
import { saveText } from '../../frame/download.ts'
import { requestAnalysis } from '../looking/analysis.ts'
import { usePair } from '../looking/pair.ts'
import type { PlanAnswer } from '../planning/plan.ts'
import { adapterCommandFor } from './run-actions.ts'

/** Takes over everything a recipe says; where it runs, on how many threads and under which limits stays the page's. @throws AppError `bad-file`, `over-limit` */
export async function openRecipe(file: File): Promise<void> {
  const { name, size: bytes } = file
  if (bytes > mostRecipeBytes)
    throw new AppError('over-limit', say('files.too-large', { name: fileName(name), bytes, limit: mostRecipeBytes }))
  applyRecipe(parseRecipe(decodeText(new Uint8Array(await file.arrayBuffer())), name))
}

export function applyRecipe({ output, params, include, exclude, pins, statistics }: Recipe): void {
  statisticsReducers.wanted(statistics ?? null)
  // Also those that its text leaves out at their defaults.
  paramsReducers.set(Object.fromEntries(recipeKeys.map((key) => [key, params[key]])))
  paramsReducers.output(output)
  selectionReducers.rules({ include, exclude, pins }, useFile.getState().report?.tensors ?? [])
  requestAnalysis()
}

/** `name` is the output's or the source's: small.lowrank.safetensors becomes small.lowrank.recipe.json. */
export function saveRecipe(recipe: RecipeInput, name: string): void {
  saveText(recipeFile(recipe), `${stemOf(name)}.recipe.json`, 'application/json')
}

/** @throws AppError of the host when it no longer has the report */
export async function saveReport(run: Run, kind: 'json' | 'csv' | 'html', language: Language): Promise<void> {
  const { runId, sourceName, target, statisticsName: statistics } = run
  const recipe = recipeOf(run)
  const whole = await connection().host.runReport(runId)
  // Only a compression is offered it.
  if (recipe === null || whole.kind !== 'compress') return
  const { report } = whole
  if (kind === 'html') {
    const time = run.endedAt ?? run.startedAt
    const html = runReportHtml({ language, time, source: sourceName, statistics, recipe, report })
    return saveText(html, `${stemOf(target)}.report.html`, 'text/html')
  }
  if (kind === 'json') saveText(reportJson(recipe, report), `${stemOf(target)}.report.json`, 'application/json')
  else saveText(reportCsv(report), `${stemOf(target)}.report.csv`, 'text/csv')
}

/** What a run would do, as the plan on show says it. */
export function savePlanReport({ question, report }: PlanAnswer, source: string, language: Language): void {
  const { recipe: _, options: __, output, ...recipe } = question
  const style = styleIds.find((id) => id === output)
  const made = { language, time: Date.now(), source, report }
  const { report: opened } = useFile.getState()
  const html = style
    ? planReportHtml({ ...made, recipe: { ...recipe, output: style } })
    : opened?.difference
      ? differencePlanHtml({
          ...made,
          difference: opened.difference,
          pair: usePair.getState().report,
          command: adapterCommandFor(opened.difference, stemOf(source) + adapterStyles[opened.difference.form].ending),
        })
      : null
  if (html !== null) saveText(html, `${stemOf(source)}.plan.html`, 'text/html')
}

/** What was found of one tensor. */
export function saveAnalysisReport(report: AnalysisReport, source: string, language: Language): void {
  const isDifference = useFile.getState().report?.difference !== undefined
  const html = analysisReportHtml({ language, time: Date.now(), source, report, isDifference })
  saveText(html, `${stemOf(source)}.${report.tensor}.html`, 'text/html')
}

/** A file's name without what says its format. */
export function stemOf(name: string): string {
  return withoutWeightEnding(name)
}
