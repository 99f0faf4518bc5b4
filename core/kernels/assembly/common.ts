/** Module with everything that is not a tile: compiled with binaryen's optimizer. No static data, no heap: state lies where the caller says. */
export { packRows, packColumns, packPanels, packPanelsDouble } from './pack'
export { packColumnsDouble, packRowsDouble } from './pack-double'
export { statisticsOf, differenceOf, squaredDifference, squaredDifferenceDouble, transposeBlock, mirrorBlock } from './elementwise'
export { gaussianRows } from './gaussian'
export { unitDiagonal, choleskyBlock, invertBlock, scaledTranspose } from './cholesky'
export { signColumns, negateWhere, roundColumns, roundRows } from './factors'
