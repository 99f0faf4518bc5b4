/** The numbers of a chart for reading: the ranks that are drawn, a column for each line. */
import { Table } from '@mantine/core'
import type { Row, Series } from '../series.ts'

interface DataTableProps {
  readonly caption: string
  readonly xTitle: string
  readonly series: readonly Series[]
  readonly rows: readonly Row[]
  readonly formatX: (value: number) => string
  readonly formatY: (value: number) => string
}

export function DataTable({ caption, xTitle, series, rows, formatX, formatY }: DataTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section aria-label={caption} className="data-table" tabIndex={0}>
      <Table stickyHeader tabularNums verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{xTitle}</Table.Th>
            {series.map(({ id, label }) => (
              <Table.Th className="right" key={id} scope="col">
                {label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.rank}>
              <Table.Th scope="row">{formatX(row.rank)}</Table.Th>
              {series.map(({ id }) => (
                <Table.Td className="right" key={id}>
                  {typeof row[id] === 'number' ? formatY(row[id]) : null}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
