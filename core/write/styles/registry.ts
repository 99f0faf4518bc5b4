/** The output styles. */
import type { styleIds } from '../../styles.ts'
import { dense } from './dense.ts'
import { factors } from './factors.ts'
import { kohya } from './kohya.ts'
import { npz } from './npz.ts'
import { peft } from './peft.ts'
import type { OutputStyle } from './style.ts'

const writers: { readonly [id in (typeof styleIds)[number]]: OutputStyle } = { factors, dense, peft, kohya, npz }

export function outputStyle(id: (typeof styleIds)[number]): OutputStyle {
  return writers[id]
}
