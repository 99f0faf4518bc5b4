/** The keys of the page, on a sheet that ? opens. */
import { Kbd, Modal, Table } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { useDialog } from '../frame/dialog.ts'
import { useModKey } from '../frame/mod-key.ts'
import { isTyping } from '../frame/typing.ts'
import { useWords } from '../words/words.ts'

const shortcuts = [
  ['search', ['mod', 'F']],
  ['compress', ['mod', 'Enter']],
  ['undo', ['mod', 'Z']],
  ['rank', ['←', '→']],
  ['rankTen', ['Shift', '←', '→']],
  ['move', ['↑', '↓']],
  ['tick', ['Space']],
  ['fold', ['←', '→']],
  ['map', ['←', '↑', '→', '↓']],
  ['show', ['Enter']],
  ['close', ['Esc']],
  ['sheet', ['?']],
] as const

export function Shortcuts() {
  const { t } = useWords()
  const mod = useModKey()
  const sheet = useDialog()
  useWindowEvent('keydown', (event) => {
    if (event.key === '?' && !isTyping(event)) sheet.open()
  })
  return (
    <Modal
      closeButtonProps={{ 'aria-label': t('app.close') }}
      onClose={sheet.close}
      opened={sheet.opened}
      title={t('shortcuts.title')}
    >
      <Table verticalSpacing={6}>
        <Table.Tbody>
          {shortcuts.map(([what, keys]) => (
            <Table.Tr key={what}>
              <Table.Th scope="row">{t(`shortcuts.${what}`)}</Table.Th>
              <Table.Td className="right nowrap">
                {keys.map((key) => (
                  <Kbd key={key} ml={4}>
                    {key === 'mod' ? mod : key}
                  </Kbd>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
