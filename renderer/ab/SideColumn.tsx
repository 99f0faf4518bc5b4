/** One side of a comparison: its method, and the parameters that matter to it. */
import { Button } from '@mantine/core'
import type { MatrixView } from '../../core/tensor.ts'
import { ParamField } from '../choices/ParamField.tsx'
import { methodOf, type SideName, type Sides, sideFields, versusReducers } from '../model/looking/versus.ts'
import { useWords } from '../words/words.ts'

interface SideColumnProps {
  readonly side: SideName
  readonly sides: Sides
  readonly size: MatrixView
}

export function SideColumn({ side, sides, size }: SideColumnProps) {
  const { t } = useWords()
  const params = sides[side]
  const method = methodOf(params, size)
  return (
    <section aria-label={t(`ab.${side}`)} className="ab-side" data-method={method} data-side={side}>
      <div className="ab-side-head">
        <h2 className="ab-side-name">
          <span className="ab-badge" data-side={side}>
            {t(`ab.${side}`)}
          </span>
          <span className="ellipsis">{t(`choices.${method}`)}</span>
        </h2>
        <Button onClick={() => versusReducers.copy(sides, side)} size="compact-xs" variant="subtle">
          {t(side === 'a' ? 'ab.copyToB' : 'ab.copyToA')}
        </Button>
      </div>
      <div className="ab-fields">
        {sideFields(method).map((name) => (
          <ParamField
            key={name}
            name={name}
            onChange={(changes) => versusReducers.change(sides, side, changes)}
            terse
            value={params[name]}
          />
        ))}
      </div>
    </section>
  )
}
