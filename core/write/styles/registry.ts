/** The output styles. */
import type { styleIds } from '../../styles.ts'
import { aguf } from './aguf.ts'
import { dense } from './dense.ts'
import { factors } from './factors.ts'
import { npz } from './npz.ts'
import { onnx } from './onnx.ts'
import type { OutputStyle } from './style.ts'

const writers: { readonly [id in (typeof styleIds)[number]]: OutputStyle } = { factors, dense, npz, aguf, onnx }

export function outputStyle(id: (typeof styleIds)[number]): OutputStyle {
  return writers[id]
}
