/** While files are dragged over the page: that they can be dropped, anywhere. Text that is dragged is none of its business. */
import { useWindowEvent } from '@mantine/hooks'
import { useState } from 'react'
import { useWords } from '../words/words.ts'

export function DropHighlight() {
  const { t } = useWords()
  const [over, setOver] = useState(false)
  useWindowEvent('dragenter', ({ dataTransfer }) => {
    if (dataTransfer?.types.includes('Files')) setOver(true)
  })
  // Leaving an element for another one inside the page has where it goes.
  useWindowEvent('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) setOver(false)
  })
  useWindowEvent('drop', () => setOver(false))
  return over ? (
    <div className="drop-highlight" data-testid="drop-highlight">
      {t('start.drop')}
    </div>
  ) : null
}
