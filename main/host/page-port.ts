/** Both doors lead a page's messages through here before anything else touches them. */
import { isShallow } from '../../core/depth.ts'
import type { Port } from '../../core/port.ts'

/** A port as its host hears it. What no page of ours would send closes it: structured clone of such a message would end the process. */
export function pagePort(port: Port): Port {
  return {
    postMessage: (message) => port.postMessage(message),
    on(event: 'message' | 'close', listener: (message?: unknown) => void) {
      if (event === 'close') port.on('close', listener)
      else port.on('message', (message) => (isShallow(message) ? listener(message) : port.close()))
    },
    close: () => port.close(),
  }
}
