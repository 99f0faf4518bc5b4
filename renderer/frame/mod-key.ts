import { useOs } from '@mantine/hooks'

/** What people find on their keyboard for the `mod` of hotkeys: of the machine that the page is on, not of its host. */
export function useModKey(): string {
  return useOs() === 'macos' ? '⌘' : 'Ctrl'
}
