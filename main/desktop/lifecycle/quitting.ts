/** The end of the application: asked about while compressions run, and orderly whatever brings it. */
import { hostEndMs } from '../../system/end-limits.ts'

export interface QuittingOptions {
  /** Compressions that would be cut short. */
  running(): number
  /** Asks the user whether they may be, without holding up anything else. */
  ask(running: number): Promise<boolean>
  /** Ends all engines; finished tensors are kept. */
  close(): Promise<void>
  /** Ends the process. */
  exit(status: number): void
}

export interface Quitting {
  /** Whether a window may close now. If not the user is being asked, and once they agree `again` is called. */
  mayClose(again: () => void): boolean
  /** Without a question. Only the first call counts. */
  end(status: number): void
}

export function createQuitting({ running, ask, close, exit }: QuittingOptions): Quitting {
  let [asking, agreed, ending] = [false, false, false]

  async function question(again: () => void): Promise<void> {
    asking = true
    agreed = await ask(running())
    asking = false
    if (agreed) again()
  }

  return {
    mayClose(again) {
      if (ending || agreed || running() === 0) return true
      if (!asking) void question(again)
      return false
    },
    end(status) {
      if (ending) return
      ending = true
      const late = setTimeout(() => exit(status), hostEndMs)
      void close()
        .catch(() => {})
        .then(() => {
          clearTimeout(late)
          exit(status)
        })
    },
  }
}
