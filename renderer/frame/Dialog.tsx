/** A dialog of the window: drawn only while it is open. */
import { Modal, type ModalProps } from '@mantine/core'
import { useDisclosure, useFocusReturn } from '@mantine/hooks'
import { useWords } from '../words/words.ts'

type DialogProps = Pick<ModalProps, 'children' | 'onClose' | 'size' | 'title' | 'yOffset'>

export function Dialog({ children, ...props }: DialogProps) {
  const { t } = useWords()
  return (
    <Modal closeButtonProps={{ 'aria-label': t('app.close') }} opened {...props}>
      {children}
    </Modal>
  )
}

/** Whether it is open. Mantine's own return of the focus goes with what it draws; here the opener keeps it. */
export function useDialog() {
  const [opened, { open, close }] = useDisclosure(false)
  useFocusReturn({ opened })
  return { opened, open, close }
}
