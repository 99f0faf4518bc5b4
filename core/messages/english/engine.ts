export const engine = {
  'engine.connection-lost': () => 'The connection to the engine was lost.',
}
