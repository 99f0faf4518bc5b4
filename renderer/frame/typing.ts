/** Whether a key is a letter where it was pressed: a box that is ticked or chosen takes none, and leaves the keys of the page theirs. */
const fields = 'input:not([type=radio], [type=checkbox]), textarea'

export function isTyping({ target }: Pick<KeyboardEvent, 'target'>): boolean {
  return target instanceof Element && target.matches(fields)
}
