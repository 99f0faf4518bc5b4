/** One entry of core/params.ts as a control: label, help, limits and choices are the entry's, the words are the page's. */
import { NumberInput, Select, Switch } from '@mantine/core'
import { type ParamEntry, type ParamKey, type Params, paramEntries } from '../../core/params.ts'
import { useWords } from '../words.ts'

interface ParamFieldProps {
  readonly name: ParamKey
  readonly params: Params
  readonly onChange: (changes: Partial<Params>) => void
  /** Called when a number was left or entered. */
  readonly onCommit?: () => void
}

export function ParamField({ name, params, onChange, onCommit }: ParamFieldProps) {
  const { t } = useWords()
  const entry = paramEntries[name] as ParamEntry
  const set = (value: unknown) => onChange({ [name]: value } as Partial<Params>)
  const common = { label: t(`params.${name}.label`), description: t(`params.${name}.help`), size: 'xs' } as const
  switch (entry.type) {
    case 'int':
    case 'float':
      return (
        <NumberInput
          {...common}
          allowDecimal={entry.type === 'float'}
          allowNegative={entry.min < 0}
          clampBehavior="strict"
          decimalScale={6}
          max={entry.max}
          min={entry.min}
          onBlur={onCommit}
          onChange={(value) => {
            // While a number is being typed the field may be empty for a moment.
            if (typeof value === 'number' && value >= entry.min && value <= entry.max) set(value)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onCommit?.()
          }}
          step={entry.step}
          value={params[name] as number}
        />
      )
    case 'choice':
      return (
        <Select
          {...common}
          allowDeselect={false}
          data={entry.choices.map((value) => ({ value, label: t(`choices.${value}` as 'choices.auto') }))}
          onChange={(value) => value !== null && set(value)}
          value={params[name] as string}
        />
      )
    case 'boolean':
      return (
        <Switch {...common} checked={Boolean(params[name])} onChange={(event) => set(event.currentTarget.checked)} />
      )
  }
}
