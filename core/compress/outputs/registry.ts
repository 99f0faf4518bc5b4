/** The output styles that exist. */
import { AppError } from '../../errors.ts'
import type { outputStyles } from '../../params.ts'
import { dense } from './dense.ts'
import { factors } from './factors.ts'
import { kohya } from './kohya.ts'
import { npz } from './npz.ts'
import type { OutputStyle } from './output.ts'
import { peft } from './peft.ts'

const styles: { readonly [id in (typeof outputStyles)[number]]?: OutputStyle } = { factors, dense, peft, kohya, npz }

/** @throws AppError `unsupported` */
export function outputStyle(id: (typeof outputStyles)[number]): OutputStyle {
  const style = styles[id]
  if (!style) {
    throw new AppError(
      'unsupported',
      `The output "${id}" is not written yet. Choose ${Object.keys(styles).join(' or ')}.`,
    )
  }
  return style
}
