/** What runs this process, for people. Asked on its main thread alone: a thread of Electron's knows the version of node and no other. */
export function runtimeName(): string {
  const { electron, node } = process.versions
  return electron ? `Electron ${electron}` : `Node ${node}`
}
