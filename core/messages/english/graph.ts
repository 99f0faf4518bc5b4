import type { Foreign } from '../text.ts'

/** What a model's graph allows of its weights, and of an output that is a graph. */
export const graph = {
  'graph.in-function': () => 'It stands in a function of the model, which may be called with other shapes: left alone.',
  'graph.old-opset': (v: { opset: number; least: number }) =>
    `The model uses version ${v.opset} of the operators; runtimes take ${v.least} and later: left alone.`,
  'graph.is-output': () => 'It is an output of its graph as well: left alone.',
  'graph.is-input': () => 'It is an input of the model as well, so whoever runs it may replace it: left alone.',
  'graph.unused': () => 'No node takes it: left alone.',
  'graph.other-node': (v: { operator: Foreign }) =>
    `A node that takes no factors uses it (${v.operator}): left alone. MatMul, Gemm, Conv of one group and Gather of rows take them.`,
  'graph.mixed': () => 'Nodes use it as a matrix and as a convolution: left alone.',
  'graph.names-taken': () => 'The graph has values that are called as its factors would be: left alone.',
  'request.no-graph': () =>
    'Only an ONNX model becomes one that runs by itself: this file has weights and no graph. Choose another output.',
  'request.graph-layout': () => 'A graph multiplies by A and B: choose A and B as the layout of the factors.',
  'request.graph-foreign-values': (v: { name: Foreign }) =>
    `${v.name} has values beside the model in a type that is not read, so they cannot be copied. Choose another output.`,
  'request.graph-too-large': (v: { bytes: number; limit: number }) =>
    `The model would have ${v.bytes} bytes; one file of this format holds at most ${v.limit}. Choose a smaller size, or another output.`,
}
