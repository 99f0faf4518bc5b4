/** Reasons come from the engine as English sentences; the page's language says those it knows. */
import { useTranslation } from 'react-i18next'

/** The closed part of what a plan says; sentences with numbers and names stay as they are. */
const known = {
  'It has no entries.': 'noEntries',
  'It is a single number.': 'scalar',
  'It is one-dimensional: there is no rank to lower.': 'oneDimensional',
} as const

export function useReason(): (reason: string) => string {
  const { t } = useTranslation()
  return (reason) => (reason in known ? t(`reasons.${known[reason as keyof typeof known]}`) : reason)
}
