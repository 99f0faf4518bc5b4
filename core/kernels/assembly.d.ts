/** What the AssemblyScript plugin (main/build/assemblyscript.ts) gives: the bytes of the compiled module as base64. */
declare module '*?assembly=O0' {
  const base64: string
  export default base64
}
declare module '*?assembly=O3' {
  const base64: string
  export default base64
}
