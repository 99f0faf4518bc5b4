/** The eigensolver with two roundings per multiply-add, for engines without relaxed SIMD. */
export * from './eigen/module'
