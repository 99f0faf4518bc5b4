/** Tensors on the left, one tensor's curves in the middle, parameters on the right, the whole file below. */
import { Tabs } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import { AbTab } from '../ab/AbTab.tsx'
import { Energy } from '../charts/Energy.tsx'
import { ErrorVsRank } from '../charts/ErrorVsRank.tsx'
import { ModelMap } from '../charts/map/ModelMap.tsx'
import { SingularValues } from '../charts/SingularValues.tsx'
import { useFile } from '../choices/file.ts'
import { useParams } from '../choices/params.ts'
import { useSelection } from '../choices/selection.ts'
import { useDialog } from '../frame/dialog.ts'
import { useAnalyses } from '../model/analyses.ts'
import { commitRank, setRank } from '../model/analysis.ts'
import { usePlanShown } from '../model/outlook.ts'
import { chosenRank, tensorView } from '../model/view.ts'
import { analysisUnderWay, useWork } from '../model/work.ts'
import { CompressDialog } from '../runs/CompressDialog.tsx'
import { SettingsPanel } from '../settings/SettingsPanel.tsx'
import { JobStatus } from '../tensor/JobStatus.tsx'
import { KeptTensor } from '../tensor/KeptTensor.tsx'
import { ResultPanel } from '../tensor/ResultPanel.tsx'
import { TensorList } from '../tensor/TensorList.tsx'
import { useWords } from '../words/words.ts'
import { BottomBar } from './BottomBar.tsx'

export function Workbench() {
  const { t } = useWords()
  const saving = useDialog()
  const [tab, setTab] = useState<string | null>('error')
  const report = useFile((state) => state.report)
  const name = useSelection((state) => state.tensor)
  const tensor = useFile((state) => (name === null ? undefined : state.byName.get(name)))
  const params = useParams((state) => state.params)
  const output = useParams((state) => state.output)
  const analysis = useAnalyses((state) => (name === null ? undefined : state.analyses[name]))
  const comparison = useAnalyses((state) => (name === null ? undefined : state.comparisons[name]))
  const estimate = useWork((state) => {
    const underWay = analysisUnderWay(state)
    return underWay?.wish.tensor === name ? underWay.view.estimate : null
  })
  const planned = usePlanShown().answer?.tensors.get(name ?? '') ?? null
  // The rank changes with every step of a drag and none of this depends on it.
  const { rank: _, ...sketch } = params
  const sketchKey = JSON.stringify(sketch)
  // biome-ignore lint/correctness/useExhaustiveDependencies: sketchKey stands for all of params but the rank
  const view = useMemo(
    () => tensorView({ tensor, params, output, analysis, comparison, estimate }),
    [tensor, sketchKey, output, analysis, comparison, estimate],
  )
  useHotkeys([['mod+Enter', saving.open]], [])

  if (!report) return <main className="workbench" />
  const { rank, reached } = view ? chosenRank(view, params, planned) : { rank: params.rank, reached: true }
  const chart = { rank, onRank: setRank, onCommit: commitRank }
  const kept = <KeptTensor tensor={tensor} />
  return (
    <main className="workbench">
      <TensorList tensors={report.tensors} />
      <section aria-label={t('workbench.centre')} className="centre">
        {view ? <ResultPanel planned={planned} rank={rank} view={view} /> : null}
        <Tabs className="tabs" keepMounted={false} onChange={setTab} value={tab}>
          <Tabs.List>
            <Tabs.Tab value="error">{t('workbench.errorTab')}</Tabs.Tab>
            <Tabs.Tab value="values">{t('workbench.valuesTab')}</Tabs.Tab>
            <Tabs.Tab value="energy">{t('workbench.energyTab')}</Tabs.Tab>
            <Tabs.Tab value="map">{t('map.tab')}</Tabs.Tab>
            <Tabs.Tab value="ab">{t('ab.tab')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="error">
            {view ? <ErrorVsRank {...chart} key={view.tensor.name} view={view} /> : kept}
          </Tabs.Panel>
          <Tabs.Panel value="values">{view ? <SingularValues rank={rank} view={view} /> : kept}</Tabs.Panel>
          <Tabs.Panel value="energy">{view ? <Energy {...chart} view={view} /> : kept}</Tabs.Panel>
          <Tabs.Panel value="map">
            <ModelMap report={report} />
          </Tabs.Panel>
          <Tabs.Panel value="ab">{view ? <AbTab rank={rank} view={view} /> : kept}</Tabs.Panel>
        </Tabs>
        {view ? <JobStatus rank={rank} reached={reached} view={view} /> : null}
      </section>
      <SettingsPanel rank={rank} view={view} />
      <BottomBar onCompress={saving.open} report={report} />
      {saving.opened ? <CompressDialog onClose={saving.close} report={report} /> : null}
    </main>
  )
}
