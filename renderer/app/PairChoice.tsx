/** The second way in: two models, each picked or dropped, held side by side. */
import { Button } from '@mantine/core'
import { type DragEvent, useState } from 'react'
import type { Grant } from '../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../core/errors.ts'
import { connection } from '../frame/connection.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { CompareIcon } from '../frame/icons.tsx'
import { droppedThings } from '../model/file/dropped-files.ts'
import { openPair } from '../model/file/file-actions.ts'
import { ModelPicker } from '../runs/dialogs/ModelPicker.tsx'
import { useWords } from '../words/words.ts'

const sides = ['base', 'tuned'] as const
type Side = (typeof sides)[number]
type Chosen = Readonly<Partial<Record<Side, Grant>>>

export function PairChoice({ busy }: { readonly busy: boolean }) {
  const { t } = useWords()
  const [chosen, setChosen] = useState<Chosen>({})
  const [error, setError] = useState<ErrorReport | null>(null)
  const { base, tuned } = chosen

  const take = async (grants: Promise<readonly (readonly [Side, Grant | null])[]>) => {
    setError(null)
    try {
      const found = (await grants).flatMap(([side, grant]) => (grant ? [[side, grant] as const] : []))
      setChosen((before) => ({ ...before, ...Object.fromEntries(found) }))
    } catch (fault) {
      setError(toErrorReport(fault))
    }
  }
  /** One thing is for the side it fell on, two are base and tuned. */
  const drop = (event: DragEvent, side: Side | null) => {
    event.preventDefault()
    // Elsewhere on the page a drop opens a file.
    event.stopPropagation()
    const { dataTransfer } = event
    void take(
      droppedThings(dataTransfer).then(async (things) => {
        const grants: Grant[] = []
        for (const files of things.slice(0, 2)) grants.push(await connection().grantFiles(files))
        const [first, second] = grants
        if (first && second) return [['base', first] as const, ['tuned', second] as const]
        return first ? [[side ?? (chosen.base ? 'tuned' : 'base'), first] as const] : []
      }),
    )
  }

  return (
    <section
      aria-labelledby="pair-title"
      className="pair-choice"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => drop(event, null)}
    >
      <h2 className="section-title" id="pair-title">
        {t('pair.title')}
      </h2>
      <p className="dimmed small">{t('pair.lead')}</p>
      <div className="pair-sides">
        {sides.map((side) => (
          <PairSide
            busy={busy}
            grant={chosen[side] ?? null}
            key={side}
            onDrop={(event) => drop(event, side)}
            onPick={(grant) => void take(grant.then((one) => [[side, one] as const]))}
            side={side}
          />
        ))}
      </div>
      {error ? <ErrorBox error={error} onClose={() => setError(null)} /> : null}
      <div className="pair-buttons">
        <Button
          disabled={busy || !base || !tuned}
          leftSection={<CompareIcon size={16} />}
          onClick={() => base && tuned && void openPair(base, tuned)}
        >
          {t('pair.compare')}
        </Button>
        <Button
          color="gray"
          disabled={busy || (!base && !tuned)}
          onClick={() => setChosen({ ...(tuned && { base: tuned }), ...(base && { tuned: base }) })}
          variant="subtle"
        >
          {t('pair.swap')}
        </Button>
      </div>
    </section>
  )
}

interface PairSideProps {
  readonly side: Side
  readonly grant: Grant | null
  readonly busy: boolean
  readonly onPick: (grant: Promise<Grant | null>) => void
  readonly onDrop: (event: DragEvent) => void
}

function PairSide({ side, grant, busy, onPick, onDrop }: PairSideProps) {
  const { t } = useWords()
  const [over, setOver] = useState(false)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what can be dropped here can be picked by its buttons too
    <div
      className="pair-side"
      data-filled={grant !== null}
      data-over={over}
      data-testid={`pair-${side}`}
      onDragLeave={() => setOver(false)}
      onDragOver={() => setOver(true)}
      onDrop={(event) => {
        setOver(false)
        onDrop(event)
      }}
    >
      <span className="pair-label">{t(`pair.sides.${side}`)}</span>
      <span className="ellipsis pair-name" title={grant?.name}>
        {grant ? grant.name : t('pair.drop')}
      </span>
      <ModelPicker disabled={busy} label={t(`pair.sides.${side}`)} onPick={onPick} testId={`pair-upload-${side}`} />
    </div>
  )
}
