/** The rules of a run as patterns on names, one a line; ticks in the list appear here as patterns, patterns there as ticks. */
import { Anchor, Textarea } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { Rules } from '../../core/rules.ts'
import { useFile } from '../choices/file.ts'
import { isCompressed, rulesOf } from '../choices/rules.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { useWords } from '../words/words.ts'

export function RulesFields() {
  const { t, numbers } = useWords()
  const tensors = useFile((state) => state.report?.tensors)
  const { included, excluded, written, pins } = useSelection()
  const { rules, count } = useMemo(() => {
    const choice = { included, excluded, written, pins }
    const all = tensors ?? []
    return { rules: rulesOf(all, choice), count: all.filter((tensor) => isCompressed(tensor, choice)).length }
  }, [tensors, included, excluded, written, pins])
  const set = (changes: Partial<Rules>) => selectionReducers.rules({ ...rules, ...changes }, tensors ?? [])
  return (
    <div className="fields">
      <Patterns
        help={t('rules.includeHelp')}
        label={t('rules.include')}
        onChange={(include) => set({ include })}
        patterns={rules.include}
      />
      <Patterns
        help={t('rules.excludeHelp')}
        label={t('rules.exclude')}
        onChange={(exclude) => set({ exclude })}
        patterns={rules.exclude}
      />
      <p className="field-help">{t('rules.chosen', { count, number: numbers.count(count) })}</p>
    </div>
  )
}

interface PatternsProps {
  readonly label: string
  readonly help: string
  readonly patterns: readonly string[]
  readonly onChange: (patterns: readonly string[]) => void
}

/** A tick can name every tensor of a large model: more than can be read or typed. */
const mostShown = 200

/** What is being typed counts once the field is left: half a pattern chooses other tensors than the whole one. */
function Patterns({ label, help, patterns, onChange }: PatternsProps) {
  const { t, numbers } = useWords()
  const [draft, setDraft] = useState<string | null>(null)
  if (patterns.length > mostShown) {
    return (
      <div>
        <div className="field-label">{label}</div>
        <p className="field-help">
          {t('rules.many', { number: numbers.count(patterns.length) })}{' '}
          <Anchor component="button" onClick={() => onChange([])} size="xs" type="button">
            {t('rules.clear')}
          </Anchor>
        </p>
      </div>
    )
  }
  const shown = patterns.join('\n')
  return (
    <Textarea
      autosize
      description={help}
      label={label}
      maxRows={6}
      minRows={1}
      onBlur={() => {
        if (draft !== null && draft !== shown) onChange(draft.split('\n').filter((line) => line !== ''))
        setDraft(null)
      }}
      onChange={(event) => setDraft(event.currentTarget.value)}
      size="xs"
      spellCheck={false}
      value={draft ?? shown}
    />
  )
}
