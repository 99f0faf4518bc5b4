/** A long listing is worked through before it is drawn, in tasks between which the page answers; what they find is kept beside it. */
import type { FileReport } from '../../../core/contract.ts'
import { viewOf } from '../../../core/plan/describe.ts'
import { byNameOf } from '../../choices/file.ts'
import { groupsOf } from '../../choices/layers.ts'
import { judgeAhead } from '../figures/verdicts.ts'

/** Tensors that are looked at in one task: some 10 ms. */
const portion = 2500

/** Begins in another task than the one that has parsed it. */
export async function workThrough({ tensors }: FileReport): Promise<void> {
  await nextTask()
  for (let from = 0; from < tensors.length; from += portion) {
    if (from > 0) await nextTask()
    for (const tensor of tensors.slice(from, from + portion)) viewOf(tensor)
  }
  for (const find of [groupsOf, byNameOf]) {
    if (tensors.length > portion) await nextTask()
    find(tensors)
  }
  if (tensors.length > portion) await nextTask()
  for (const _ of judgeAhead(tensors)) await nextTask()
  if (tensors.length > portion) await nextTask()
}

const nextTask = () => new Promise((resolve) => setTimeout(resolve))
