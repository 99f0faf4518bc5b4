/** A dialog that is drawn only while it is open. Mantine's own return of the focus goes with it; here the opener keeps it. */
import { useDisclosure, useFocusReturn } from '@mantine/hooks'

export function useDialog() {
  const [opened, { open, close }] = useDisclosure(false)
  useFocusReturn({ opened })
  return { opened, open, close }
}
