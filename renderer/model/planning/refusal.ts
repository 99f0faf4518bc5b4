/** What was chosen can be done by no run: what stands against it, as the engine has said it or as is known without asking. */
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { refusalOfAdapter, refusalOfChoices } from '../../../core/plan/refusal.ts'
import { allStyles } from '../../../core/styles.ts'
import { hasGraph } from '../../../core/weight-formats.ts'
import { choicesFor, useAdapter } from '../../choices/adapter.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import { refusal, usePlan } from './plan.ts'

export function useRefusal(): ErrorReport | null {
  const { params, output } = useParams()
  const said = usePlan(refusal)
  // The engine is asked only once the model has been analyzed.
  const format = useFile((state) => state.report?.format)
  const difference = useFile((state) => state.report?.difference)
  const adapter = useAdapter()
  const ofAdapter =
    difference &&
    refusalOfAdapter(params, {
      ...choicesFor(difference.form, adapter),
      form: difference.form,
      ofPair: difference.of === 'pair',
    })
  const known = ofAdapter ?? refusalOfChoices(params, allStyles[output], format === undefined || hasGraph(format))
  return known ? toErrorReport(known) : said
}
