/** The map's numbers for reading: a row for each matrix, and only those in view exist. */
import { Table } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import { useWords } from '../../words/words.ts'
import type { MapRecord } from './records.ts'

/** In px. */
const rowHeight = 33

export function MapTable({ title, records }: { readonly title: string; readonly records: readonly MapRecord[] }) {
  const { t, numbers } = useWords()
  const viewport = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: records.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section aria-label={title} className="data-table" ref={viewport} tabIndex={0}>
      <Table stickyHeader tabularNums>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('map.layer')}</Table.Th>
            <Table.Th scope="col">{t('map.role')}</Table.Th>
            <Table.Th className="right" scope="col">
              {t('map.rank')}
            </Table.Th>
            <Table.Th className="right" scope="col">
              {t('chart.error')}
            </Table.Th>
            <Table.Th className="right" scope="col">
              {t('map.bytes')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {before > 0 ? <tr style={{ height: before }} /> : null}
          {items.map(({ index }) => {
            const { tensor, layer, role, outlook } = records[index]!
            return (
              <Table.Tr key={tensor.name} style={{ height: rowHeight }}>
                <Table.Th className="nowrap" scope="row" title={tensor.name}>
                  {layer}
                </Table.Th>
                <Table.Td className="nowrap">{role}</Table.Td>
                <Table.Td className="right nowrap">
                  {outlook.kept
                    ? t(outlook.inInt8 ? 'choices.INT8' : 'map.kept')
                    : outlook.rank === null
                      ? '–'
                      : numbers.count(outlook.rank)}
                </Table.Td>
                <Table.Td className="right nowrap">
                  {outlook.error === null ? '–' : numbers.error(outlook.error, outlook.resolution)}
                </Table.Td>
                <Table.Td className="right nowrap">
                  {numbers.bytes(tensor.byteLength)} → {numbers.bytes(outlook.bytesAfter)}
                </Table.Td>
              </Table.Tr>
            )
          })}
          {after > 0 ? <tr style={{ height: after }} /> : null}
        </Table.Tbody>
      </Table>
    </section>
  )
}
