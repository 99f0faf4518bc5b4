/** The output styles. */
import type { WeightFile } from '../../formats/format.ts'
import type { styleIds } from '../../styles.ts'
import { aguf } from './aguf.ts'
import { dense } from './dense.ts'
import { factors } from './factors.ts'
import { npz } from './npz.ts'
import { onnx } from './onnx.ts'
import type { OutputStyle } from './style.ts'
import { transformers } from './transformers.ts'

type Id = (typeof styleIds)[number]

const writers: { readonly [id in Id]: OutputStyle } = { factors, dense, npz, aguf, onnx, transformers }

export function outputStyle(id: Id): OutputStyle {
  return writers[id]
}

/** With what it takes over from this source. @throws AppError `bad-request` where it cannot be */
export async function styleFor(id: Id, file: WeightFile): Promise<OutputStyle> {
  const style = outputStyle(id)
  return style.for ? style.for(file) : style
}
