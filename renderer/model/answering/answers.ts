/** Which form of the open model keeps its answers: ways of sharing out ranks, INT8 and both, each written, run and compared by the engine. */
import { create } from 'zustand'
import { faultOf } from '../../../core/client/latest.ts'
import type { AnswerGoal, AnswerRow, AnswersReport } from '../../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { useFile } from '../../choices/file.ts'
import { useSamples } from '../../choices/samples.ts'
import { statisticsHash, withStatistics } from '../../choices/statistics.ts'
import { cancelLook } from '../looking/analysis.ts'
import { dropWork, want } from '../looking/work.ts'
import { applyRecipe } from '../running/recipes.ts'
import { currentRecipe } from '../running/run-actions.ts'
import { closeAll, openAll, sampleOptions } from './sample-files.ts'

interface AnswersState {
  /** null: the nearest at the goal of the page. */
  readonly goal: AnswerGoal | null
  /** Files of arrays are being opened. */
  readonly opening: boolean
  readonly report: AnswersReport | null
  readonly fault: ErrorReport | null
}

const none: AnswersState = { goal: null, opening: false, report: null, fault: null }

export const useAnswers = create<AnswersState>(() => none)

/** Another model. */
export function forgetAnswers(): void {
  dropWork('answers')
  useAnswers.setState(none)
}

export function setAnswerGoal(goal: AnswerGoal | null): void {
  useAnswers.setState({ goal })
}

/** Of what is drawn a third is held out: as many as a trial is judged by. */
const shareDrawn = 3

let attempts = 0

export async function compareForms(): Promise<void> {
  const mine = ++attempts
  useAnswers.setState({ opening: true, fault: null })
  try {
    const inputs = await openAll(useSamples.getState().given.try)
    if (mine !== attempts) return closeAll(inputs)
    cancelLook()
    useAnswers.setState({ opening: false })
    const { goal } = useAnswers.getState()
    want('answers', {
      onFile: true,
      request: () => {
        const model = useFile.getState().report?.fileId
        if (model === undefined) return null
        const { recipe: _, ...choices } = currentRecipe()
        const { samples, sizes } = sampleOptions('try')
        const files = { ...withStatistics(model), inputs, heldOut: [] }
        return { kind: 'answers', files, ...choices, output: 'onnx', goal, samples: shareDrawn * samples, sizes }
      },
      end: (how) => {
        closeAll(inputs)
        useAnswers.setState({ fault: faultOf(how) })
        if (how.type === 'finished' && how.result.kind === 'answers') useAnswers.setState({ report: how.result.report })
      },
    })
  } catch (error) {
    if (mine === attempts) useAnswers.setState({ opening: false, fault: toErrorReport(error) })
  }
}

export function cancelForms(): void {
  attempts++
  dropWork('answers')
  useAnswers.setState({ opening: false })
}

export function dismissForms(): void {
  useAnswers.setState({ fault: null })
}

/** From now on Compress writes this very form. */
export function chooseForm({ choices }: AnswerRow): void {
  if (choices) applyRecipe({ recipe: 1, output: 'onnx', ...choices, ...statisticsHash() })
}
