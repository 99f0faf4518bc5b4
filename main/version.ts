/** The version of the product, from package.json: written nowhere else. */
import manifest from '../package.json' with { type: 'json' }

export const version: string = manifest.version
