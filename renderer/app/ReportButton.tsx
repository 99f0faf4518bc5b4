/** What stands in the open tab, as a file to hand on: the plan of the model, or the analysis of a tensor. */
import { ActionIcon, Tooltip } from '@mantine/core'
import { memo } from 'react'
import { useFile } from '../choices/file.ts'
import { useSelection } from '../choices/selection.ts'
import { ReportIcon } from '../frame/icons.tsx'
import { usePlanShown } from '../model/figures/outlook.ts'
import type { TensorView } from '../model/looking/view.ts'
import { saveAnalysisReport, savePlanReport } from '../model/running/recipes.ts'
import { useWords } from '../words/words.ts'

export const ReportButton = memo(function ReportButton({ view }: { readonly view: TensorView | null }) {
  const { t, language: spoken } = useWords()
  const language = spoken === 'zh-CN' ? 'zh-CN' : 'en'
  const tab = useSelection((state) => state.tab)
  const source = useFile(({ report }) => report?.name ?? '')
  const plan = usePlanShown()
  const analysis = view?.stale === false ? view.report : null
  const answer = plan.isCurrent ? plan.answer : null
  if (tab === 'ab') return null
  const ready = tab === 'model' ? answer !== null : analysis !== null
  const save = () => {
    if (tab === 'model') {
      if (answer) savePlanReport(answer, source, language)
    } else if (analysis) saveAnalysisReport(analysis, source, language)
  }
  return (
    <Tooltip label={t(ready ? 'workbench.saveReport' : 'workbench.reportLater')}>
      <ActionIcon
        aria-disabled={!ready}
        aria-label={t('workbench.saveReport')}
        color="gray"
        data-disabled={!ready}
        onClick={save}
        variant="subtle"
      >
        <ReportIcon />
      </ActionIcon>
    </Tooltip>
  )
})
