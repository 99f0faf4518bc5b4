/** Every task a team knows, by name. All threads import this table, so a task's number is the same everywhere. */
import type { Worker } from '../task.ts'
import { choleskyInverse, choleskyPanel, choleskyUpdate, scaledTranspose } from './cholesky.ts'
import { eigen, jacobi } from './eigen.ts'
import { fixSigns, roundScaled } from './factors.ts'
import {
  multiply,
  multiplyTransposed,
  multiplyTriangular,
  multiplyTurned,
  packLeft,
  packRight,
  packRightDouble,
} from './gemm.ts'
import { crossProduct, mirror, symmetricProduct } from './gram.ts'
import { difference, gaussian, residual, residualDouble, statistics, transpose } from './passes.ts'

export const tasks = {
  packLeft,
  packRight,
  packRightDouble,
  multiply,
  multiplyTransposed,
  multiplyTriangular,
  multiplyTurned,
  symmetricProduct,
  crossProduct,
  mirror,
  choleskyPanel,
  choleskyUpdate,
  choleskyInverse,
  scaledTranspose,
  statistics,
  difference,
  residual,
  residualDouble,
  transpose,
  gaussian,
  fixSigns,
  roundScaled,
  eigen,
  jacobi,
} as const

export type TaskName = keyof typeof tasks
/** The numbers a task takes after its index and its thread. */
export type TaskArguments<T extends TaskName> = (typeof tasks)[T] extends (
  index: number,
  worker: Worker,
  ...args: infer A extends number[]
) => void
  ? A
  : never
/** Any task, called with numbers from the control block. */
export type AnyTask = (index: number, worker: Worker, ...args: number[]) => void
export const taskNames = Object.keys(tasks) as TaskName[]
