/** A name of parts with dots between them: where it takes several lines it is broken at a dot, and within a part only where that alone is longer. */
import { Fragment } from 'react'

export function DottedName({ name }: { readonly name: string }) {
  const parts = name.split(/(?<=\.)/)
  return parts.map((part, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts have no names of their own, and none moves
    <Fragment key={at}>
      {at === 0 ? null : <wbr />}
      {part}
    </Fragment>
  ))
}
