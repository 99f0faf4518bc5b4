/** What the menu and the system ask of the page. While there is none - it loads, it died, the window is closed - the last of it waits. */
import type { HostEvents, PageAction } from '../../../core/contract.ts'
import { toErrorReport } from '../../../core/errors.ts'
import { entryName } from '../../../core/weight-formats.ts'
import type { Grants } from '../../files/grants.ts'

export interface Openings {
  /** A page is there until the answer is called. */
  connected(page: HostEvents): () => void
  act(action: PageAction): void
  /** Files that the system named: grants one as a drop would, or has the page say why not. */
  open(paths: readonly string[]): Promise<void>
}

export function createOpenings(grants: Pick<Grants, 'grant'>): Openings {
  let page: HostEvents | null = null
  let waiting: PageAction | null = null
  let opens = 0

  function act(action: PageAction): void {
    if (page) page.act(action)
    else waiting = action
  }

  return {
    act,
    connected(came) {
      page = came
      if (waiting) page.act(waiting)
      waiting = null
      return () => {
        // A page that is loaded again connects before the old one is told to be gone.
        if (page === came) page = null
      }
    },
    async open(paths) {
      // The others lie beside it.
      const entry = entryName(paths)
      if (entry === undefined) return
      const mine = ++opens
      const action = await grants.grant(entry).then(
        (grant): PageAction => ({ do: 'open', grant }),
        (error: unknown): PageAction => ({ do: 'refuse', error: toErrorReport(error) }),
      )
      // A disk that answers late: something else was named meanwhile.
      if (mine === opens) act(action)
    },
  }
}
