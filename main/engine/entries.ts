/** Where the other programs of the engine lie: beside this module, as built (`out/main`) and as source, which node runs as it is. */

export function siblingEntry(name: 'engine' | 'driver' | 'relay' | 'device' | 'runtime'): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
}
