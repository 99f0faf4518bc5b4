/** How the error of a matrix falls with its rank, in the height of a line: which of them bear compression is seen without opening any. */
import { memo } from 'react'

const width = 34
const height = 16
/** Points are enough for the eye. */
const steps = 17

export const Sparkline = memo(function Sparkline({ curve }: { readonly curve: readonly number[] }) {
  const last = curve.length - 1
  if (last < 1) return null
  const points = Array.from({ length: steps + 1 }, (_, step) => {
    // Most falls at the first ranks: they are drawn finer.
    const rank = Math.round(last * (step / steps) ** 2)
    return `${((width * rank) / last).toFixed(1)},${(1 + (height - 2) * (1 - curve[rank]!)).toFixed(1)}`
  })
  return (
    <svg aria-hidden="true" className="sparkline" height={height} viewBox={`0 0 ${width} ${height}`} width={width}>
      <polyline fill="none" points={points.join(' ')} />
    </svg>
  )
})
