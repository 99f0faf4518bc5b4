/** One entry of core/params.ts as a control: label, help, limits and choices are the entry's, the words are the page's. */
import { NumberInput, type NumberInputProps, Select, Switch } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { type ParamEntry, paramEntries } from '../../core/param-entries.ts'
import type { ChoiceValue, ParamKey, Params } from '../../core/params.ts'
import { useWords } from '../words/words.ts'
import { type TakenAs, takenAs } from './typed-number.ts'

interface ParamFieldProps {
  readonly name: ParamKey
  readonly value: Params[ParamKey]
  readonly onChange: (changes: Partial<Params>) => void
  /** Called when a number was left or entered. */
  readonly onCommit?: () => void
  /** Where there is little room: what the parameter means is said on request. */
  readonly terse?: boolean
  /** Its name stands beside it already, or its place says it. */
  readonly bare?: boolean
}

export function ParamField({ name, value, onChange, onCommit, terse, bare }: ParamFieldProps) {
  const { t } = useWords()
  const entry = paramEntries[name] as ParamEntry
  const set = (chosen: unknown) => onChange({ [name]: chosen } as Partial<Params>)
  const help = t(`params.${name}.help`)
  const label = t(`params.${name}.label`)
  const common = {
    size: 'xs',
    ...(bare ? { 'aria-label': label } : { label }),
    ...(terse || bare ? { title: help } : { description: help }),
  } as const
  if ('unit' in entry && entry.unit === 'share') {
    return <ShareInput {...common} entry={entry} onChange={set} value={value as number} />
  }
  if ('unit' in entry && entry.unit === 'bytes') {
    return <SizeInput {...common} onChange={set} value={value as number} />
  }
  switch (entry.type) {
    case 'int':
    case 'float':
      return (
        <NumberField
          {...common}
          allowDecimal={entry.type === 'float'}
          allowNegative={entry.min < 0}
          clampBehavior="none"
          decimalScale={6}
          max={entry.max}
          min={entry.min}
          onBlur={onCommit}
          onNumber={(typed) => {
            if (typed < entry.min || typed > entry.max) return false
            set(typed)
            return true
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onCommit?.()
          }}
          step={entry.step}
          value={value as number}
        />
      )
    case 'choice':
      return (
        <Select
          {...common}
          allowDeselect={false}
          data={[
            // A value without words does not compile.
            ...entry.choices.map((choice) => ({ value: choice, label: t(`choices.${choice as ChoiceValue}`) })),
            // Out of a recipe or a command.
            ...(entry.choices.includes(String(value)) ? [] : [String(value)]),
          ]}
          onChange={(chosen) => chosen !== null && set(chosen)}
          value={value as string}
        />
      )
    case 'boolean':
      return <Switch {...common} checked={Boolean(value)} onChange={(event) => set(event.currentTarget.checked)} />
  }
}

interface NumberFieldProps extends Omit<NumberInputProps, 'onChange' | 'value' | 'onBlur'> {
  readonly value: number
  readonly onBlur?: (() => void) | undefined
  /** May follow the number that is typed or pasted, whether or not the field shows it. */
  readonly unit?: string
  /** Answers whether the number is one that can be; others are left standing while they are being typed. */
  readonly onNumber: (value: number) => boolean
}

/**
 * A number that is typed may be empty or out of its limits for a moment. What was typed stands until the field is left: what it sets comes
 * back later than the next key, and must not be written into it. Once the field is left it shows the value that holds, and beside it why
 * another one does not: nothing that was typed goes back in silence, and nothing is made into another number than it says.
 */
export function NumberField({
  value,
  onNumber,
  onBlur,
  onKeyDown,
  min,
  max,
  suffix = '',
  unit = '',
  allowDecimal = true,
  allowNegative = true,
  ...common
}: NumberFieldProps) {
  const { t, numbers } = useWords()
  const [draft, setDraft] = useState<string | number | null>(null)
  const [refused, setRefused] = useState<'limits' | 'text' | null>(null)
  const input = useNumbersOnly(
    { decimal: allowDecimal, negative: allowNegative, unit, grouped: common.thousandSeparator !== undefined },
    () => setRefused('text'),
  )
  /** The value before the first key, and those that were typed since: any other was set elsewhere, and shows at once. */
  const own = useRef<number[]>([])
  useEffect(() => {
    if (own.current.includes(value)) return
    own.current = [value]
    setDraft(null)
  }, [value])
  const limits = {
    min: `${numbers.limit(Number(min ?? 0))}${suffix}`,
    max: max === undefined ? '' : `${numbers.limit(Number(max))}${suffix}`,
  }
  const isRefused = draft !== null && draft !== '' && !own.current.includes(Number(draft))
  const judge = () => setRefused((before) => (isRefused ? 'limits' : before === 'text' ? before : null))
  const why = {
    limits: () => t(max === undefined ? 'settings.atLeast' : 'settings.between', limits),
    text: () => t(allowDecimal ? 'settings.noNumber' : 'settings.noWholeNumber'),
  }
  return (
    <NumberInput
      {...common}
      ref={input}
      allowDecimal={allowDecimal}
      allowNegative={allowNegative}
      {...(min === undefined ? {} : { min })}
      {...(max === undefined ? {} : { max })}
      error={refused === null ? null : why[refused]()}
      onBlur={() => {
        judge()
        // Of 510 % its beginnings were numbers that can be, and nobody meant them.
        if (isRefused) onNumber(own.current[0]!)
        own.current = []
        setDraft(null)
        onBlur?.()
      }}
      onChange={(typed) => {
        setRefused(null)
        setDraft(typed)
        if (own.current.length === 0) own.current = [value]
        if (typeof typed === 'number' && onNumber(typed)) own.current.push(typed)
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') judge()
        onKeyDown?.(event)
      }}
      onMouseDown={(event) => {
        if (event.detail !== 2) return
        // On its unit, a double click would take that alone, and what is typed then would be added to the number.
        event.preventDefault()
        event.currentTarget.select()
      }}
      suffix={suffix}
      value={draft ?? value}
    />
  )
}

/**
 * The control takes the digits out of whatever is put into it: "4,5" typed became 45, "1e-3" 13, and 2.5 pasted for a count 2. What goes in is
 * written in digits before it does, and what is no number stays out.
 */
function useNumbersOnly(as: TakenAs & { readonly grouped: boolean }, onRefused: () => void) {
  const input = useRef<HTMLInputElement>(null)
  const latest = useRef({ as, onRefused })
  latest.current = { as, onRefused }
  useEffect(() => {
    const field = input.current!
    const take = (event: Event, text: string) => {
      const digits = takenAs(text, latest.current.as)
      if (event.type === 'beforeinput' && digits === text) return
      // The control has a paste of its own, which knows no whole numbers.
      event.stopPropagation()
      event.preventDefault()
      if (digits === null) latest.current.onRefused()
      // As if it had been typed: over what is selected, and back with Ctrl+Z.
      else if (digits !== '') document.execCommand('insertText', false, digits)
    }
    const paste = (event: ClipboardEvent) => take(event, event.clipboardData?.getData('text') ?? '')
    const before = (event: InputEvent) => {
      // Between its groups of three digits the control writes commas itself.
      if (!event.data || event.isComposing || (latest.current.as.grouped && event.data === ',')) return
      take(event, event.data)
    }
    field.addEventListener('paste', paste)
    field.addEventListener('beforeinput', before)
    return () => {
      field.removeEventListener('paste', paste)
      field.removeEventListener('beforeinput', before)
    }
  }, [])
  return input
}

interface QuantityProps {
  readonly label?: string
  readonly 'aria-label'?: string
  readonly description?: string
  readonly title?: string
  readonly size: 'xs'
  /** Its unit stands beside it. */
  readonly unitless?: boolean
}
interface ShareInputProps extends QuantityProps {
  readonly entry: { readonly min: number; readonly max: number; readonly step: number }
  readonly value: number
  readonly onChange: (share: number) => void
}

const shareDecimals = 3
/** One step of the last decimal. */
export const finestShare = 10 ** -(shareDecimals + 2)

/** A share as people write it, in percent. */
export function ShareInput({ entry, value, onChange, unitless, ...common }: ShareInputProps) {
  return (
    <NumberField
      {...common}
      allowNegative={false}
      clampBehavior="none"
      decimalScale={shareDecimals}
      max={inPercent(entry.max)}
      min={inPercent(entry.min)}
      onNumber={(percent) => {
        if (percent < inPercent(entry.min) || percent > inPercent(entry.max)) return false
        onChange(percent / 100)
        return true
      }}
      step={entry.step * 100}
      unit="%"
      {...(unitless ? {} : { suffix: '\u00a0%' })}
      value={inPercent(value)}
    />
  )
}

/** 0.07 * 100 is 7.000000000000001. */
const inPercent = (share: number) => Number((share * 100).toFixed(6))

const megabyte = { bytes: 1e6, suffix: '\u00a0MB' } as const

interface SizeInputProps extends QuantityProps {
  /** Bytes. */
  readonly value: number
  readonly onChange: (bytes: number) => void
}

/** Bytes as people write them, in MB. */
export function SizeInput({ value, onChange, unitless, ...common }: SizeInputProps) {
  return (
    <NumberField
      {...common}
      allowNegative={false}
      decimalScale={6}
      min={0}
      onNumber={(megabytes) => {
        onChange(Math.round(megabytes * megabyte.bytes))
        return true
      }}
      step={100}
      unit={megabyte.suffix.trim()}
      {...(unitless ? {} : { suffix: megabyte.suffix })}
      thousandSeparator=","
      value={value / megabyte.bytes}
    />
  )
}
