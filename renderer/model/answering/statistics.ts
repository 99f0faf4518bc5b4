/**
 * Choosing statistics of inputs: opened by the host's grants as every file is, held against the model by the engine, and from then on the norm of
 * every error. What was found in another norm is forgotten: no curve has two.
 */
import { faultOf } from '../../../core/client/latest.ts'
import type { Grant } from '../../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { useFile } from '../../choices/file.ts'
import { type ChosenStatistics, statisticsReducers, useStatistics } from '../../choices/statistics.ts'
import { connection } from '../../frame/connection.ts'
import { analysesReducers } from '../looking/analyses.ts'
import { cancelLook, requestAnalysis } from '../looking/analysis.ts'
import { versusReducers } from '../looking/versus.ts'
import { dropWork, want } from '../looking/work.ts'
import { restartPlan } from '../planning/plan-actions.ts'

/** For as long as this window lives, beside the open file. */
const rememberedKey = 'ghostsvd.statistics'

let choosings = 0

/** Opens what `asking` answers with and weighs by it, if it is of this model; what was chosen before stays where it is not. */
export async function chooseStatistics(name: string, asking: () => Promise<Grant | null>): Promise<void> {
  const mine = ++choosings
  statisticsReducers.reading(name)
  try {
    const grant = await asking()
    if (mine !== choosings) return
    if (!grant) return statisticsReducers.abandoned()
    statisticsReducers.reading(grant.name)
    const { fileId } = await connection().engine.open(grant.id)
    if (mine !== choosings) return await closed(fileId)
    look(grant, fileId)
  } catch (error) {
    if (mine === choosings) statisticsReducers.failed(toErrorReport(error))
  }
}

function look(grant: Grant, fileId: string): void {
  want('statistics', {
    onFile: true,
    request: () => {
      const model = useFile.getState().report?.fileId
      return model === undefined ? null : { kind: 'statistics', files: { model, statistics: fileId } }
    },
    end: (how) => {
      if (how.type === 'finished' && how.result.kind === 'statistics') {
        const before = useStatistics.getState().chosen
        statisticsReducers.chosen(grant, fileId, how.result.report)
        sessionStorage.setItem(rememberedKey, JSON.stringify(grant))
        changeNorm()
        if (before) void closed(before.fileId)
        return
      }
      refuse(fileId, faultOf(how))
    },
  })
}

function refuse(fileId: string, fault: ErrorReport | null): void {
  if (fault) statisticsReducers.failed(fault)
  else statisticsReducers.abandoned()
  void closed(fileId)
}

/** Every weight counts alike again. */
export function clearStatistics(): void {
  const { chosen } = useStatistics.getState()
  forgetStatistics()
  if (!chosen) return
  changeNorm()
  void closed(chosen.fileId)
}

/** Another model, or none. */
export function forgetStatistics(): void {
  choosings++
  dropWork('statistics')
  sessionStorage.removeItem(rememberedKey)
  statisticsReducers.reset()
}

function changeNorm(): void {
  cancelLook()
  analysesReducers.reset()
  versusReducers.reset()
  restartPlan()
  requestAnalysis()
}

/** A new engine knows no files. Before anything else is asked of it about the model. */
export async function reopenStatistics(): Promise<void> {
  const chosen: ChosenStatistics | null = useStatistics.getState().chosen
  if (!chosen) return
  try {
    statisticsReducers.reopened((await connection().engine.open(chosen.grant.id)).fileId)
  } catch (error) {
    forgetStatistics()
    statisticsReducers.failed(toErrorReport(error))
    analysesReducers.reset()
    restartPlan()
  }
}

/** What this window weighed by before it was loaded again. */
export function recallStatistics(): void {
  const stored = sessionStorage.getItem(rememberedKey)
  if (stored === null) return
  const grant = JSON.parse(stored) as Grant
  void chooseStatistics(grant.name, async () => grant)
}

/** Files of an engine that has died meanwhile are closed. */
const closed = (fileId: string) =>
  connection()
    .engine.close(fileId)
    .catch(() => {})
