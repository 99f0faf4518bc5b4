/** One number with its name; what it means is said on request. */
import { Tooltip } from '@mantine/core'

interface FigureProps {
  readonly label: string
  readonly value: string
  readonly help?: string | undefined
  readonly large?: boolean
  readonly warn?: boolean
  readonly testid?: string
  /** The number as it is, for tests and scripts that read the page. */
  readonly data?: Readonly<Record<`data-${string}`, string | number>>
}

export function Figure({ label, value, help, large, warn, testid, data }: FigureProps) {
  return (
    <Tooltip disabled={!help} label={help} multiline w={280}>
      <div className="figure" data-large={large} data-testid={testid} data-warn={warn} {...data}>
        <dt>{label}</dt>
        <dd title={value}>{value}</dd>
      </div>
    </Tooltip>
  )
}
