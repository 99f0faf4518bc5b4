/** One number with its name; what it means is said on request. */
import { Tooltip } from '@mantine/core'

interface FigureProps {
  readonly label: string
  readonly value: string
  readonly help: string
  readonly testid: string
  /** The number as it is, for tests and scripts that read the page. */
  readonly data: Readonly<Record<`data-${string}`, string | number>>
}

export function Figure({ label, value, help, testid, data }: FigureProps) {
  return (
    <Tooltip label={help} multiline w={280}>
      <div className="figure" data-testid={testid} {...data}>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </div>
    </Tooltip>
  )
}
