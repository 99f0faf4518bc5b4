/** What no run can do, as parameters and output alone tell. */
import { AppError } from '../errors.ts'
import type { Params } from '../params.ts'
import type { Style } from '../styles.ts'

/** As the error a run would end with; null where nothing stands against it. */
export function refusalOfChoices(params: Params, style: Style): AppError | null {
  const goals = [params.goalSize, params.goalError, params.goalEnergy].filter((goal) => goal > 0)
  if (goals.length > 1) return new AppError('bad-request', 'One goal at a time: a size, an error or an energy.')
  if (params.factorDType === 'INT8' && params.factorLayout === 'usv')
    return new AppError('bad-request', 'INT8 factors are written as A and B. Choose the layout ab.')
  if (params.goalSize > 0 && !style.copiesKept)
    return new AppError(
      'bad-request',
      'A size goal is for a file with the whole model; this one holds only factors. Choose a rank or an error.',
    )
  return null
}
