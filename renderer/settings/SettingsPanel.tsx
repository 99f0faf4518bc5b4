/** What the factorization is computed with, at the right of the workbench: what people came to tune in view, everything else a line away. */
import { Accordion, CloseButton, Radio } from '@mantine/core'
import { memo } from 'react'
import type { ParamKey } from '../../core/params.ts'
import { useFile } from '../choices/file.ts'
import { goalOf } from '../choices/goal.ts'
import { ParamField } from '../choices/ParamField.tsx'
import { presetOf, type SpeedPreset, speedPresets, useParams } from '../choices/params.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { DottedName } from '../frame/DottedName.tsx'
import { changeParams } from '../model/looking/analysis.ts'
import { isAnalyzed, usePlan } from '../model/planning/plan.ts'
import { useAnalysisPrice, usePace } from '../model/planning/price.ts'
import { useWords } from '../words/words.ts'
import { fieldsOf } from './fields.ts'
import { RecipeButtons } from './RecipeButtons.tsx'
import { RulesFields } from './RulesFields.tsx'
import { StatisticsFields } from './StatisticsFields.tsx'

/** In view without opening anything. */
const always = ['nIter', 'oversample'] as const
/** What may be tuned further, in the order of thought: how, how well, on what; how factors are stored; how a goal is reached. */
const advanced = fieldsOf('sketch', 'machine', 'cache').filter((key) => !(always as readonly string[]).includes(key))
const output = fieldsOf('storage')
const allocation = fieldsOf('reach', 'allocation')
const presets = Object.keys(speedPresets) as SpeedPreset[]

interface SettingsPanelProps {
  /** Asked for statistics from running the model. */
  readonly onCalibrate: () => void
}

export const SettingsPanel = memo(function SettingsPanel({ onCalibrate }: SettingsPanelProps) {
  const { t, numbers } = useWords()
  const pins = useSelection((state) => state.pins)
  const byRank = useParams(({ params }) => goalOf(params) === 'rank')
  const report = useFile((state) => state.report)
  const ofModel = report?.difference === undefined
  return (
    <aside aria-label={t('settings.title')} className="settings">
      <Speed />
      {always.map((name) => (
        <div className="field-line" key={name}>
          <span aria-hidden="true">{t(`params.${name}.label`)}</span>
          <Field bare name={name} />
        </div>
      ))}
      {report && ofModel ? <StatisticsFields onCalibrate={onCalibrate} report={report} /> : null}
      <Accordion
        chevronPosition="left"
        className="accordion"
        // What nobody has opened is not made: forty fields would be, and again with every change.
        keepMounted={false}
        classNames={{ chevron: 'chevron', control: 'control', label: 'label', content: 'content' }}
        multiple
      >
        <Accordion.Item value="output">
          <Accordion.Control>{t('settings.output')}</Accordion.Control>
          <Accordion.Panel>
            <div className="fields">
              {/* Adapters have two factors, in floating point. */}
              {output
                .filter((name) => ofModel || name === 'factorDType')
                .map((name) => (
                  <Field key={name} name={name} />
                ))}
            </div>
          </Accordion.Panel>
        </Accordion.Item>
        {byRank ? null : (
          <Accordion.Item value="allocation">
            <Accordion.Control>{t('settings.allocation')}</Accordion.Control>
            <Accordion.Panel>
              <div className="fields">
                {allocation.map((name) => (
                  <Field key={name} name={name} />
                ))}
              </div>
            </Accordion.Panel>
          </Accordion.Item>
        )}
        {pins.size === 0 ? null : (
          <Accordion.Item value="pins">
            <Accordion.Control>{t('rules.pins', { number: numbers.count(pins.size) })}</Accordion.Control>
            <Accordion.Panel>
              <ul className="pins">
                {[...pins].map(([name, rank]) => (
                  <li key={name}>
                    <span className="pin-name">
                      <DottedName name={name} />
                    </span>
                    <span className="number">{numbers.count(rank)}</span>
                    <CloseButton
                      aria-label={t('rules.unpin', { name })}
                      onClick={() => selectionReducers.pin(name, null)}
                      size="sm"
                    />
                  </li>
                ))}
              </ul>
            </Accordion.Panel>
          </Accordion.Item>
        )}
        <Accordion.Item value="rules">
          <Accordion.Control>{t('rules.title')}</Accordion.Control>
          <Accordion.Panel>
            <RulesFields />
          </Accordion.Panel>
        </Accordion.Item>
        <Accordion.Item value="advanced">
          <Accordion.Control>{t('settings.advanced')}</Accordion.Control>
          <Accordion.Panel>
            <div className="fields">
              {advanced.map((name) => (
                <Field key={name} name={name} />
              ))}
            </div>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
      {ofModel ? <RecipeButtons /> : null}
    </aside>
  )
})

/** Rendered again for its own value alone. */
function Field({ name, bare = false }: { readonly name: ParamKey; readonly bare?: boolean }) {
  const value = useParams(({ params }) => params[name])
  return <ParamField bare={bare} name={name} onChange={changeParams} value={value} />
}

/** Each with what an analysis of the whole model takes by it, once there is something to go by. */
function Speed() {
  const { t } = useWords()
  const chosen = useParams(({ params }) => presetOf(params))
  const priced = usePace() !== null
  return (
    <Radio.Group
      className="speed"
      label={t('settings.speed')}
      labelProps={{ className: 'section-title' }}
      onChange={(value) => changeParams(speedPresets[value as SpeedPreset])}
      value={chosen ?? ''}
    >
      {priced ? <span className="speed-head">{t('settings.analysisTakes')}</span> : null}
      {presets.map((value) => (
        <div className="speed-row" key={value}>
          <Radio
            label={t(`settings.presets.${value}`)}
            size="xs"
            title={t(`settings.presetHelp.${value}`)}
            value={value}
          />
          <SpeedTime preset={value} />
        </div>
      ))}
    </Radio.Group>
  )
}

function SpeedTime({ preset }: { readonly preset: SpeedPreset }) {
  const { t, numbers } = useWords()
  const price = useAnalysisPrice()
  const analyzed = usePlan((state) => state.analyzed)
  // Numbers and not the parameters, most of whose changes, such as the steps of a drag, change none of them.
  const done = useParams(({ params }) => isAnalyzed({ analyzed }, { ...params, ...speedPresets[preset] }))
  const seconds = useParams(({ params }) => price?.({ ...params, ...speedPresets[preset] }))
  return (
    <span className="speed-time">
      {done ? t('settings.done') : seconds === undefined ? '' : numbers.countdown(1000 * seconds)}
    </span>
  )
}
