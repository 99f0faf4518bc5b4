/** What may be written, a card of one line each; what the chosen one is good for stands below them. */
import { Radio } from '@mantine/core'
import type { ReactNode } from 'react'

interface Form<Id extends string> {
  readonly id: Id
  readonly title: ReactNode
  readonly help: string
  readonly disabled: boolean
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
        {forms.map(({ id, title, help, disabled }) => (
          <Radio.Card className="card" disabled={disabled} key={id} title={help} value={id}>
            <Radio.Indicator />
            <span className="card-title">{title}</span>
          </Radio.Card>
        ))}
      </div>
      <p aria-live="polite" className="dimmed card-help">
        {forms.find(({ id }) => id === value)?.help}
      </p>
    </Radio.Group>
  )
}
