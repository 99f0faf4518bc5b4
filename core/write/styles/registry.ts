/** The output styles. */
import type { outputStyles } from '../../params.ts'
import { dense } from './dense.ts'
import { factors } from './factors.ts'
import { kohya } from './kohya.ts'
import { npz } from './npz.ts'
import { peft } from './peft.ts'
import type { OutputStyle } from './style.ts'

const styles: { readonly [id in (typeof outputStyles)[number]]: OutputStyle } = { factors, dense, peft, kohya, npz }

export function outputStyle(id: (typeof outputStyles)[number]): OutputStyle {
  return styles[id]
}
