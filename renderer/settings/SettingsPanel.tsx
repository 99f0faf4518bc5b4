/** The parameters of the factorization on the right of the workbench, and the comparison they can be held against. */
import { Accordion, Chip } from '@mantine/core'
import { goalOf } from '../choices/goal.ts'
import { ParamField } from '../choices/ParamField.tsx'
import { presetOf, type SpeedPreset, speedPresets, useParams } from '../choices/params.ts'
import { changeParams } from '../model/analysis.ts'
import type { TensorView } from '../model/view.ts'
import { useWords } from '../words/words.ts'
import { ComparePanel } from './ComparePanel.tsx'
import { fieldsOf } from './fields.ts'
import { GoalFields } from './GoalFields.tsx'
import { RecipeButtons } from './RecipeButtons.tsx'
import { RulesFields } from './RulesFields.tsx'

/** What may be tuned further, in the order of thought: how, how well, on what; how factors are stored; how a goal is reached. */
const advanced = fieldsOf('sketch', 'machine', 'cache')
const output = fieldsOf('storage')
const allocation = fieldsOf('reach', 'allocation')
const presets = Object.keys(speedPresets) as SpeedPreset[]

interface SettingsPanelProps {
  readonly view: TensorView | null
  /** Of the tensor on show. */
  readonly rank: number
}

export function SettingsPanel({ view, rank }: SettingsPanelProps) {
  const { t } = useWords()
  const params = useParams((state) => state.params)
  const preset = presetOf(params)
  const field = { params, onChange: changeParams }
  return (
    <aside aria-label={t('settings.title')} className="settings">
      <GoalFields rank={rank} view={view} />
      <div className="field">
        <div className="field-label" id="speed-label">
          {t('settings.speed')}
        </div>
        <Chip.Group onChange={(value) => changeParams(speedPresets[value as SpeedPreset])} value={preset}>
          <div aria-labelledby="speed-label" className="presets" role="radiogroup">
            {presets.map((value) => (
              <Chip icon={null} key={value} size="xs" value={value} variant="filled">
                {t(`settings.presets.${value}`)}
              </Chip>
            ))}
          </div>
        </Chip.Group>
        <p className="field-help">{t(`settings.presetHelp.${preset ?? 'custom'}`)}</p>
      </div>
      {view ? <ComparePanel rank={rank} view={view} /> : null}
      <Accordion
        chevronPosition="left"
        className="accordion"
        classNames={{ control: 'control', label: 'label', content: 'content' }}
        multiple
      >
        <Accordion.Item value="advanced">
          <Accordion.Control>{t('settings.advanced')}</Accordion.Control>
          <Accordion.Panel>
            <div className="fields">
              {advanced.map((name) => (
                <ParamField {...field} key={name} name={name} />
              ))}
            </div>
          </Accordion.Panel>
        </Accordion.Item>
        {goalOf(params) === 'rank' ? null : (
          <Accordion.Item value="allocation">
            <Accordion.Control>{t('settings.allocation')}</Accordion.Control>
            <Accordion.Panel>
              <div className="fields">
                {allocation.map((name) => (
                  <ParamField {...field} key={name} name={name} />
                ))}
              </div>
            </Accordion.Panel>
          </Accordion.Item>
        )}
        <Accordion.Item value="output">
          <Accordion.Control>{t('settings.output')}</Accordion.Control>
          <Accordion.Panel>
            <div className="fields">
              {output.map((name) => (
                <ParamField {...field} key={name} name={name} />
              ))}
            </div>
          </Accordion.Panel>
        </Accordion.Item>
        <Accordion.Item value="rules">
          <Accordion.Control>{t('rules.title')}</Accordion.Control>
          <Accordion.Panel>
            <RulesFields />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
      <RecipeButtons />
    </aside>
  )
}
