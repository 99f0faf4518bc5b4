/** The size of the output as far as it is known before the run. */

import { useParams } from '../choices/params.ts'
import { expectedBytes, type FileEstimate } from '../model/estimate.ts'
import { usePlanShown } from '../model/outlook.ts'
import { useRefusal } from '../model/refusal.ts'
import { useWords } from '../words/words.ts'

export function Expected({ estimate }: { readonly estimate: FileEstimate }) {
  const { t, numbers } = useWords()
  const params = useParams((state) => state.params)
  const refused = useRefusal() !== null
  const { kind, bytes } = expectedBytes(estimate, params, usePlanShown().answer, refused)
  switch (kind) {
    case 'exact':
      return numbers.bytes(bytes)
    // The values, without the header that names them.
    case 'estimate':
      return t('bar.about', { value: numbers.bytes(bytes) })
    case 'at-most':
      return t('bar.atMost', { value: numbers.bytes(bytes) })
    case 'unknown':
      return t('bar.byGoal')
    case 'none':
      return '–'
  }
}
