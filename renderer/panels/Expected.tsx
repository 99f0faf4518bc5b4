/** The size of the output as far as it is known before the run. */
import { expectedBytes, type FileEstimate } from '../store/estimate.ts'
import { usePlanShown } from '../store/outlook.ts'
import { useParams } from '../store/params.ts'
import { useWords } from '../words.ts'
import { useRefusal } from './refusal.ts'

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
