/** The centre where there is nothing to analyze: why this tensor is copied as it is. */
import type { TensorReport } from '../../core/contract.ts'
import { useReason } from '../words/reason.ts'
import { useWords } from '../words/words.ts'

export function KeptTensor({ tensor }: { readonly tensor: TensorReport | undefined }) {
  const { t } = useWords()
  const reason = useReason()
  return (
    <div className="empty">
      {tensor ? (
        <>
          <h2 className="section-title">{t('workbench.keptTitle')}</h2>
          <p className="mono">{tensor.name}</p>
          <p className="dimmed">{reason(tensor.reason)}</p>
        </>
      ) : (
        <p className="dimmed">{t('workbench.nothing')}</p>
      )}
    </div>
  )
}
