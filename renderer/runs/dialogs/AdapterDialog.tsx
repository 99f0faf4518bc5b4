/** Before an adapter is written: for whose loaders, what of the differences it holds, at which ranks, and where it goes. */
import { Button, Checkbox, NumberInput, Select } from '@mantine/core'
import { useMemo } from 'react'
import type { FileReport, Grant, RankRule } from '../../../core/contract.ts'
import { paramEntries } from '../../../core/param-entries.ts'
import { rankRules, ruleIds } from '../../../core/rank-rule-entries.ts'
import { type AdapterForm, adapterForms } from '../../../core/styles.ts'
import { hasKernel } from '../../../core/tensor.ts'
import { adapterReducers, takesWhole, useAdapter } from '../../choices/adapter.ts'
import { useFile } from '../../choices/file.ts'
import { goalOf } from '../../choices/goal.ts'
import { useParams } from '../../choices/params.ts'
import { useAttempt } from '../../frame/attempt.ts'
import { Dialog } from '../../frame/Dialog.tsx'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { canCompress, useOutcome } from '../../model/figures/outcome.ts'
import { openForForm, openRelativeTo } from '../../model/file/file-actions.ts'
import { adapterCommandFor, startAdapterRun } from '../../model/running/run-actions.ts'
import { PlannedOutcome } from '../../outcome/PlannedOutcome.tsx'
import { useWords } from '../../words/words.ts'
import { CopyButton } from '../CopyButton.tsx'
import { FormChoice } from './FormChoice.tsx'
import { ModelPicker } from './ModelPicker.tsx'
import { TargetFields, useTarget } from './target.tsx'
import { targetName } from './target-name.ts'

interface AdapterDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function AdapterDialog({ report, onClose }: AdapterDialogProps) {
  const { t, numbers } = useWords()
  const { params } = useParams()
  const choices = useAdapter()
  const reopening = useFile(({ status }) => status === 'opening')
  const outcome = useOutcome()
  const difference = report.difference!
  const { form, of } = difference
  const target = useTarget((taken) => targetName(report.name, form, params, taken))
  const { error, busy, dismiss, attempt } = useAttempt()
  const places = new Map(difference.forms.map(({ form, modules }) => [form, modules]))
  const convolutions = useMemo(() => report.tensors.some((tensor) => tensor.matrix && hasKernel(tensor)), [report])
  const placesOf = (one: AdapterForm) => {
    const count = places.get(one) ?? 0
    return count === 0 ? t('adapter.noPlace') : t('adapter.places', { count, number: numbers.count(count) })
  }
  const byRank = goalOf(params) === 'rank'
  // A rule of LoRA tools stands in the place of rank and goal.
  const ready = choices.rule ? outcome.state !== 'refused' && byRank : canCompress(outcome)
  const write = () =>
    attempt(async () => {
      const chosen = await target.choose()
      if (!chosen) return
      await startAdapterRun(chosen, target.desktop)
      onClose()
    })
  return (
    <Dialog onClose={onClose} size={680} title={t(`adapter.titles.${of}`, { name: report.name })} yOffset="4dvh">
      <form
        className="compress"
        onSubmit={(event) => {
          event.preventDefault()
          write()
        }}
      >
        <div className="outcome-plain" data-testid="compress-outcome">
          <PlannedOutcome outcome={outcome} />
        </div>
        <FormChoice
          forms={adapterForms.map((id) => ({
            id,
            title: (
              <>
                {t(`adapter.forms.${id}.title`)} <span className="dimmed">{placesOf(id)}</span>
              </>
            ),
            help: t(`adapter.forms.${id}.loaders`),
            disabled: !places.has(id) || reopening,
          }))}
          label={t('adapter.form')}
          onChange={(id) => void openForForm(id, difference.convolutions)}
          value={form}
        />
        <div className="adapter-choices">
          <RuleField rule={choices.rule} />
          {of === 'pair' && convolutions ? (
            <>
              <Checkbox
                checked={choices.convRank !== null}
                label={t('adapter.convolutions')}
                onChange={(event) => void openForForm(form, event.currentTarget.checked)}
              />
              {choices.convRank === null ? null : (
                <NumberInput
                  label={t('adapter.convRank')}
                  max={paramEntries.rank.max}
                  min={paramEntries.rank.min}
                  onChange={(value) => typeof value === 'number' && adapterReducers.set({ convRank: value })}
                  value={choices.convRank}
                />
              )}
            </>
          ) : null}
          {of === 'pair' && takesWhole(form) ? (
            <Checkbox
              checked={choices.whole === 'save'}
              label={t(form === 'peft' ? 'adapter.saved' : 'adapter.whole')}
              onChange={(event) => adapterReducers.set({ whole: event.currentTarget.checked ? 'save' : 'list' })}
            />
          ) : null}
          <Checkbox
            checked={choices.oneRank}
            disabled={of === 'pair' && (!byRank || choices.rule !== null)}
            label={t('adapter.oneRank')}
            onChange={(event) => adapterReducers.set({ oneRank: event.currentTarget.checked })}
          />
        </div>
        {of === 'adapter' ? <RelativeTo disabled={reopening} name={difference.relativeTo} /> : null}
        <TargetFields label={t(form === 'peft' ? 'adapter.folderName' : 'compress.name')} target={target} />
        <div className="compress-foot">
          {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
          <div className="dialog-buttons">
            <div className="dialog-aside">
              <CopyButton label={t('runs.copyCommand')} text={() => adapterCommandFor(difference, target.name)} />
            </div>
            <Button color="gray" onClick={onClose} variant="subtle">
              {t('app.cancel')}
            </Button>
            <Button disabled={!ready || reopening || !target.ready} loading={busy} type="submit">
              {t(`adapter.start.${of}`)}
            </Button>
          </div>
        </div>
      </form>
    </Dialog>
  )
}

/** The model whose weights an adapter's errors are measured beside. */
function RelativeTo({ name, disabled }: { readonly name: string | null; readonly disabled: boolean }) {
  const { t } = useWords()
  return (
    <div className="adapter-base" data-testid="adapter-base">
      <div>
        <strong>{t('adapter.base')}</strong> <span className="dimmed">{name ?? t('adapter.noBase')}</span>
      </div>
      <p className="dimmed small">{t('adapter.baseHelp')}</p>
      <div className="adapter-pick">
        <ModelPicker disabled={disabled} label={t('adapter.base')} onPick={(grant) => void pickedFor(grant)} />
        {name === null ? null : (
          <Button
            color="gray"
            disabled={disabled}
            onClick={() => void openRelativeTo(null)}
            size="compact-sm"
            variant="subtle"
          >
            {t('adapter.dropBase')}
          </Button>
        )}
      </div>
    </div>
  )
}

/** Nothing picked leaves what there was. */
async function pickedFor(grant: Promise<Grant | null>): Promise<void> {
  const found = await grant
  if (found) await openRelativeTo(found)
}

const rules = ['none', ...ruleIds] as const

function RuleField({ rule }: { readonly rule: RankRule | null }) {
  const { t } = useWords()
  const byRank = useParams(({ params }) => goalOf(params) === 'rank')
  const set = (kind: RankRule['rule'], value: number) => adapterReducers.set({ rule: { rule: kind, value } })
  return (
    <div className="adapter-rule">
      <Select
        allowDeselect={false}
        data={rules.map((value) => ({ value, label: t(`adapter.rules.${value}`) }))}
        description={byRank ? t(`adapter.ruleHelp.${rule?.rule ?? 'none'}`) : t('adapter.ruleOrGoal')}
        disabled={!byRank}
        label={t('adapter.rule')}
        onChange={(value) => {
          const kind = rules.find((one) => one === value) ?? 'none'
          if (kind === 'none') adapterReducers.set({ rule: null })
          else set(kind, rankRules[kind].first)
        }}
        value={rule?.rule ?? 'none'}
      />
      {rule ? (
        <NumberInput
          clampBehavior="none"
          decimalScale={6}
          label={t('adapter.ruleValue')}
          max={rankRules[rule.rule].max}
          min={rankRules[rule.rule].min}
          onChange={(value) => {
            const { min, max } = rankRules[rule.rule]
            if (typeof value === 'number' && value >= min && value <= max) set(rule.rule, value)
          }}
          step={rankRules[rule.rule].step}
          value={rule.value}
        />
      ) : null}
    </div>
  )
}
