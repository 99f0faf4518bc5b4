/** The centre where there is nothing to analyze: why this tensor is copied as it is. */
import type { TensorReport } from '../../core/contract.ts'
import { useSentences, useWords } from '../words/words.ts'

export function KeptTensor({ tensor }: { readonly tensor: TensorReport | undefined }) {
  const { t } = useWords()
  const sentences = useSentences()
  return (
    <div className="empty">
      {tensor ? (
        <>
          <h2 className="section-title">{t('workbench.keptTitle')}</h2>
          <p className="mono">{tensor.name}</p>
          <p className="dimmed">{sentences(tensor.reason)}</p>
        </>
      ) : (
        <p className="dimmed">{t('workbench.nothing')}</p>
      )}
    </div>
  )
}
