/** Goal, outcome and action above; below them tensors on the left, the model or one tensor in the middle, settings on the right: made in this order. */
import { ActionIcon, Drawer, Tabs, Tooltip } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { type CSSProperties, useState } from 'react'
import { AbTab } from '../ab/AbTab.tsx'
import { ModelMap } from '../charts/map/ModelMap.tsx'
import { Plots } from '../charts/plot/LinePlot.tsx'
import { TradeOffChart } from '../charts/TradeOff.tsx'
import { isRunnable, useFile } from '../choices/file.ts'
import { selectionReducers, type Tab, useSelection } from '../choices/selection.ts'
import { useDialog } from '../frame/Dialog.tsx'
import { ListIcon, SlidersIcon } from '../frame/icons.tsx'
import { useStages } from '../frame/stages.ts'
import { useTensorView } from '../model/figures/rank-shown.ts'
import { OutcomeCard } from '../outcome/OutcomeCard.tsx'
import { AdapterDialog } from '../runs/dialogs/AdapterDialog.tsx'
import { CalibrateDialog } from '../runs/dialogs/CalibrateDialog.tsx'
import { CompressDialog } from '../runs/dialogs/CompressDialog.tsx'
import { RunStrip } from '../runs/RunStrip.tsx'
import { SettingsPanel } from '../settings/SettingsPanel.tsx'
import { KeptTensor } from '../tensor/KeptTensor.tsx'
import { ListDivider } from '../tensor/ListDivider.tsx'
import { useListWidth } from '../tensor/list-width.ts'
import { TensorList } from '../tensor/TensorList.tsx'
import { TensorTab } from '../tensor/TensorTab.tsx'
import { TryTab } from '../try/TryTab.tsx'
import { useWords } from '../words/words.ts'
import { ReportButton } from './ReportButton.tsx'

/** Below this width list and settings are drawers. As workbench.css has it. */
const narrow = '(max-width: 999px)'

/** Within the frame, in the order in which they are made, each in a task of its own. */
const parts = { card: 1, list: 2, tab: 3, chart: 4, settings: 5 } as const

export function Workbench() {
  const { t } = useWords()
  const saving = useDialog()
  const list = useDialog()
  const settings = useDialog()
  // Opened from the settings, and not theirs: they go where the window becomes narrow, by zooming in too.
  const calibrating = useDialog()
  const drawers = useMediaQuery(narrow, matchMedia(narrow).matches)
  const listWidth = useListWidth((state) => state.width)
  const report = useFile((state) => state.report)
  const wanted = useSelection((state) => state.tab)
  const name = useSelection((state) => state.tensor)
  const tensor = useFile((state) => (name === null ? undefined : state.byName.get(name)))
  const made = useStages(parts.settings, { atOnce: parts.list })
  const [plots] = useState({ drawn: false })
  // Nothing here follows the rank: a step of a drag renders what shows it, and not the workbench.
  const view = useTensorView(tensor)

  if (!report) return <main className="workbench" />
  const kept = <KeptTensor tensor={tensor} />
  // A/B has settings of its own, and Try has use for none.
  const runs = isRunnable({ report })
  const tab = wanted === 'try' && !runs ? 'tensor' : wanted
  const withSettings = tab !== 'ab' && tab !== 'try'
  return (
    <main
      className="workbench"
      data-drawers={drawers}
      data-settings={withSettings}
      style={{ '--list-width': `${listWidth}px` } as CSSProperties}
    >
      {made < parts.card ? null : <OutcomeCard onCompress={saving.open} view={view} />}
      {drawers ? (
        <Drawer
          closeButtonProps={{ 'aria-label': t('app.close') }}
          onClose={list.close}
          opened={list.opened}
          size={320}
          title={t('list.title')}
        >
          <TensorList tensors={report.tensors} />
        </Drawer>
      ) : made < parts.list ? null : (
        <>
          <TensorList tensors={report.tensors} />
          <ListDivider />
        </>
      )}
      <section aria-label={t('workbench.centre')} className="centre">
        <Tabs
          className="tabs"
          keepMounted={false}
          onChange={(chosen) => selectionReducers.tab(chosen as Tab)}
          value={tab}
        >
          <div className="tab-row">
            {drawers ? (
              <Tooltip label={t('list.title')}>
                <ActionIcon aria-label={t('list.title')} color="gray" onClick={list.open} variant="subtle">
                  <ListIcon />
                </ActionIcon>
              </Tooltip>
            ) : null}
            <Tabs.List>
              <Tabs.Tab value="model">{t('workbench.modelTab')}</Tabs.Tab>
              <Tabs.Tab value="tensor">{t('workbench.tensorTab')}</Tabs.Tab>
              <Tabs.Tab value="ab">{t('ab.tab')}</Tabs.Tab>
              {runs ? <Tabs.Tab value="try">{t('try.tab')}</Tabs.Tab> : null}
            </Tabs.List>
            <div className="tab-tools">
              <ReportButton view={view} />
            </div>
            {drawers && withSettings ? (
              <Tooltip label={t('settings.title')}>
                <ActionIcon aria-label={t('settings.title')} color="gray" onClick={settings.open} variant="subtle">
                  <SlidersIcon />
                </ActionIcon>
              </Tooltip>
            ) : null}
          </div>
          {made < parts.tab ? null : (
            <Plots value={plots}>
              <Tabs.Panel value="model">
                <div className="model-tab">
                  {report.difference ? null : <TradeOffChart />}
                  <ModelMap report={report} />
                </div>
              </Tabs.Panel>
              <Tabs.Panel value="tensor">{view ? <TensorTab view={view} /> : kept}</Tabs.Panel>
              {runs ? (
                <Tabs.Panel value="try">
                  <TryTab report={report} />
                </Tabs.Panel>
              ) : null}
              <Tabs.Panel value="ab">{view ? <AbTab view={view} /> : kept}</Tabs.Panel>
            </Plots>
          )}
        </Tabs>
      </section>
      {!withSettings ? null : drawers ? (
        <Drawer
          closeButtonProps={{ 'aria-label': t('app.close') }}
          onClose={settings.close}
          opened={settings.opened}
          position="right"
          size={320}
          title={t('settings.title')}
        >
          <SettingsPanel onCalibrate={calibrating.open} />
        </Drawer>
      ) : made < parts.settings ? null : (
        <SettingsPanel onCalibrate={calibrating.open} />
      )}
      {calibrating.opened ? <CalibrateDialog onClose={calibrating.close} report={report} /> : null}
      <RunStrip />
      {!saving.opened ? null : report.difference ? (
        <AdapterDialog onClose={saving.close} report={report} />
      ) : (
        <CompressDialog onClose={saving.close} report={report} />
      )}
    </main>
  )
}
