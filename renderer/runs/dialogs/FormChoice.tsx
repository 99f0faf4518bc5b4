/** What may be written, a card of one line each: what the chosen one is good for stands below them, why another cannot be chosen on it. */
import { Radio } from '@mantine/core'
import type { ReactNode } from 'react'

interface Form<Id extends string> {
  readonly id: Id
  readonly title: ReactNode
  readonly help: string
  /** Why it cannot be chosen. */
  readonly refusal?: string | null
  readonly disabled?: boolean
}

interface FormChoiceProps<Id extends string> {
  readonly label: string
  readonly forms: readonly Form<Id>[]
  readonly value: Id
  readonly onChange: (id: Id) => void
}

export function FormChoice<Id extends string>({ label, forms, value, onChange }: FormChoiceProps<Id>) {
  return (
    <Radio.Group label={label} onChange={(id) => onChange(id as Id)} value={value}>
      <div className="cards">
        {forms.map(({ id, title, help, refusal = null, disabled = refusal !== null }) => (
          <Radio.Card className="card" disabled={disabled} key={id} title={help} value={id}>
            <Radio.Indicator />
            <div>
              <div className="card-title">{title}</div>
              {refusal === null ? null : <div className="dimmed small">{refusal}</div>}
            </div>
          </Radio.Card>
        ))}
      </div>
      <p aria-live="polite" className="dimmed card-help">
        {forms.find(({ id }) => id === value)?.help}
      </p>
    </Radio.Group>
  )
}
