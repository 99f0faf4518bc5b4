/** The tensors of the open file as a .safetensors file, which cannot carry code: what is done about a file that would run some. */
import { create } from 'zustand'
import { faultOf } from '../../../core/client/latest.ts'
import type { Grant } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { useFile } from '../../choices/file.ts'
import { connection } from '../../frame/connection.ts'
import { openFrom } from '../file/file-actions.ts'
import { dropWork, want } from './work.ts'

export interface SafeCopyState {
  /** What was written, once it is complete and checked. */
  readonly saved: Grant | null
  readonly fault: ErrorReport | null
}

const none: SafeCopyState = { saved: null, fault: null }

export const useSafeCopy = create<SafeCopyState>(() => none)

/** Another file, or another attempt. */
export function forgetSafeCopy(): void {
  dropWork('copy')
  useSafeCopy.setState(none)
}

/** Writes it. What is there is replaced only where the user was asked. */
export function saveSafeCopy(target: Grant, force: boolean): void {
  useSafeCopy.setState(none)
  want('copy', {
    onFile: true,
    request: () => {
      const model = useFile.getState().report?.fileId
      return model === undefined ? null : { kind: 'convert', files: { model }, target: target.id, tensor: null, force }
    },
    end: (how) => {
      if (how.type === 'finished') useSafeCopy.setState({ saved: target })
      useSafeCopy.setState({ fault: faultOf(how) })
    },
  })
}

export const cancelSafeCopy = () => dropWork('copy')

/** What was written, in place of what it was made of. */
export const openSafeCopy = (target: Grant) => openFrom(target.name, () => connection().host.written(target.id))
