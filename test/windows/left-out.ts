/** Test files that cannot run on this Windows, and why. A real one runs them all. */
export const leftOut: readonly (readonly [files: RegExp, why: string])[] = [
  [
    /main\/desktop\/(desktop|page\/preload|device\/|engine\/engine-process|lifecycle\/updates)|renderer\/(model\/running\/run-actions|app\/session-actions)|core\/new-parameter/,
    'vi.mock: modules are replaced by vite, which does not start there',
  ],
  [
    /main\/(build|answers|engine\/device\/(device|whole))\b|kernels\/gpu\/products|core\/messages\/no-(parsing|english)|renderer\/words\/texts|^test\/(rooms|docs)/,
    'they build, parse or run by programs and libraries that npm installed for Linux',
  ],
  [
    /main\/(electron-runtime|loopback\/|cli\/serve|start)/,
    'they connect to a server by TCP, and Wine connects to none (the page specs do, from Linux)',
  ],
  [
    /formats\/real-weights|svd\/real-weights|formats\/quantized\/packed/,
    'minutes of computing, which no system changes',
  ],
]
