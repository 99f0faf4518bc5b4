/**
 * Output "npz": the factors and the kept tensors as arrays of a NumPy archive, under the names that the output "factors" gives them.
 * numpy has no bfloat16 and no 8-bit floats; they are stored as float32, exactly. Metadata is in the archive's comment.
 */
import { styles } from '../../styles.ts'
import { factors } from './factors.ts'
import type { OutputStyle } from './style.ts'

export const npz: OutputStyle = { ...factors, ...styles.npz }
