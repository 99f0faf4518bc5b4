/** The eigensolver with one rounding per multiply-add. */
export * from './eigen/module'
