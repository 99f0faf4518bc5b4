/** The product's version, and those of packages that users install beside it, as package.json has them (a test holds them together): core reads no files. */
export const version = '0.2.0'

export const packagesBeside = { 'onnxruntime-node': '1.30.0', webgpu: '0.6.2' } as const
