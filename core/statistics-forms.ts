/** Kinds of files of statistics, told by content (core/statistics/entries.ts). */
export const statisticsForms = ['imatrix', 'sums', 'relaxml', 'factors', 'covariance'] as const
export type StatisticsForm = (typeof statisticsForms)[number]
