/** Whether what an earlier run has finished may be built on: its source is still the same, and its bytes are still those it wrote. */
import type { TensorOutcome } from '../../contract.ts'
import type { ByteSource } from '../../io.ts'
import { tensorChecksum } from '../../matrix/checksum.ts'
import { outputEntries } from '../../plan/entries.ts'
import { keepAsIs, type TensorPlan, unsettled } from '../../plan/plan.ts'
import { writtenDType } from '../../styles.ts'
import type { TensorOutline } from '../../tensor.ts'
import type { Compression } from '../compression.ts'
import { endOfIntact } from '../encodings/intact.ts'
import { encodingOf } from '../encodings/registry.ts'
import type { WrittenEntry } from '../encodings/weights-output.ts'
import type { OutputStyle } from '../styles/style.ts'
import type { JournalLine } from './journal.ts'

/** Why a finished tensor is not used. */
export type Distrust = 'source-changed' | 'damaged'

export interface Trust {
  /** So many of the tensors, from the first on, hold. */
  readonly count: number
  /** Why the next one does not; null where all do. */
  readonly distrust: Distrust | null
}

/**
 * Reads again what the lines describe. Values that planning has looked at are known by their checksum; others are read from the source.
 * @param start where the first tensor stands in `written`
 */
export async function trustIn(
  compression: Compression,
  plans: readonly TensorPlan[],
  lines: readonly JournalLine[],
  written: ByteSource,
  start: number,
): Promise<Trust> {
  const { style, context } = compression
  const total = lines.at(-1)?.end ?? 0
  const frames = encodingOf(style, compression.file).frames(plans.flatMap((plan) => outputEntries(plan, style)))
  let at = start
  for (const [count, line] of lines.entries()) {
    const plan = plans[count]!
    context.report({ type: 'progress', phase: 'verify', tensor: plan.info.name, done: at, total })
    if (line.sourceCrc !== (await sourceChecksum(compression, plan))) return { count, distrust: 'source-changed' }
    const entries = entriesOf(plan, line, style)
    const end =
      entries && line.end <= written.byteLength ? await endOfIntact(written, at, entries, frames, context) : null
    if (end !== line.end) return { count, distrust: 'damaged' }
    at = line.end
  }
  return { count: lines.length, distrust: null }
}

/** CRC-32 of the values a tensor of the output comes from; null where the output leaves it out, unread. */
export async function sourceChecksum({ file, style, context }: Compression, plan: TensorPlan): Promise<number | null> {
  if (plan.crc !== undefined) return plan.crc
  return style.copiesKept || style.kept?.(plan) ? tensorChecksum(file, plan.info, context) : null
}

/** null where the line has not one checksum for each. */
function entriesOf(plan: TensorPlan, { outcome, checksums }: JournalLine, style: OutputStyle): WrittenEntry[] | null {
  const outlines = storedEntries(plan, outcome, style)
  if (outlines.length !== checksums.length) return null
  return outlines.map((outline, i) => ({ outline, crc: checksums[i]! }))
}

/** What the file holds of a tensor, as it is stored. */
export function storedEntries(plan: TensorPlan, { action }: TensorOutcome, style: OutputStyle): TensorOutline[] {
  const entries = outputEntries(action === 'factorized' ? plan : keepAsIs(plan, unsettled), style)
  return entries.map((entry) => ({ ...entry, dtype: writtenDType(style, entry.dtype) }))
}
