/** The key by which the loopback host knows its own page. It comes once, behind the # of the link, and stays in what the browser keeps for this origin. */

const storedKey = 'ghostsvd.page-key'
/** Where the browser keeps nothing, the page has it until it is left. */
let held = ''

/** '' for a page that was never opened by a link. Another tab may have been given a newer one. */
export function pageKey(): string {
  const given = location.hash.slice(1)
  if (given) {
    held = given
    store(given)
    history.replaceState(history.state, '', location.pathname + location.search)
  }
  return readStored() ?? held
}

function store(key: string): void {
  try {
    localStorage.setItem(storedKey, key)
  } catch {
    // Storage is full or forbidden.
  }
}

function readStored(): string | null {
  try {
    return localStorage.getItem(storedKey)
  } catch {
    return null
  }
}
