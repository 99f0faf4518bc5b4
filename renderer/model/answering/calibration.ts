/** Statistics from running the open model: written where the user wants them, and chosen at once. */
import { create } from 'zustand'
import { faultOf } from '../../../core/client/latest.ts'
import type { CalibrationReport, Grant } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { useFile } from '../../choices/file.ts'
import { useSamples } from '../../choices/samples.ts'
import { connection } from '../../frame/connection.ts'
import { cancelLook } from '../looking/analysis.ts'
import { dropWork, want } from '../looking/work.ts'
import { closeAll, openAll, sampleOptions } from './sample-files.ts'
import { chooseStatistics } from './statistics.ts'

interface CalibrationState {
  readonly report: CalibrationReport | null
  readonly fault: ErrorReport | null
}

const none: CalibrationState = { report: null, fault: null }

export const useCalibration = create<CalibrationState>(() => none)

/** Another attempt, or another file. */
export function forgetCalibration(): void {
  dropWork('calibrate')
  useCalibration.setState(none)
}

/** @throws AppError of a file of arrays that cannot be opened */
export async function calibrate(target: Grant, force: boolean): Promise<void> {
  useCalibration.setState(none)
  const inputs = await openAll(useSamples.getState().given.calibrate)
  cancelLook()
  want('calibrate', {
    onFile: true,
    request: () => {
      const model = useFile.getState().report?.fileId
      if (model === undefined) return null
      return { kind: 'calibrate', files: { model, inputs }, target: target.id, ...sampleOptions('calibrate'), force }
    },
    end: (how) => {
      closeAll(inputs)
      useCalibration.setState({ fault: faultOf(how) })
      if (how.type !== 'finished' || how.result.kind !== 'calibrate') return
      useCalibration.setState({ report: how.result.report })
      void chooseStatistics(target.name, () => connection().host.written(target.id))
    },
  })
}
