/** Runs the self-test in the page's engine, with the page's kernel and threads. */
import { faultOf } from '../../core/client/latest.ts'
import { defaultParams } from '../../core/params.ts'
import { useParams } from '../choices/params.ts'
import { cancelLook } from '../model/looking/analysis.ts'
import { dropWork, want } from '../model/looking/work.ts'
import { useSelfTest } from './self-test.ts'

/** `full` adds 4096 x 4096, whose exact SVD takes a while. */
export function runSelfTest(full: boolean): void {
  cancelLook()
  useSelfTest.setState({ report: null, error: null })
  const { kernel, threads } = useParams.getState().params
  want('selfTest', {
    onFile: false,
    request: () => ({ kind: 'selftest', full, params: { ...defaultParams, kernel, threads } }),
    end: (how) => {
      if (how.type === 'finished' && how.result.kind === 'selftest') useSelfTest.setState({ report: how.result.report })
      else useSelfTest.setState({ error: faultOf(how) })
    },
  })
}

export function cancelSelfTest(): void {
  dropWork('selfTest')
}
