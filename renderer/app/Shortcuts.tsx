/** The keys of the page, on a sheet that ? opens. */
import { Kbd, Table } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { Dialog, useDialog } from '../frame/Dialog.tsx'
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
  if (!sheet.opened) return null
  return (
    <Dialog onClose={sheet.close} title={t('shortcuts.title')}>
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
    </Dialog>
  )
}
