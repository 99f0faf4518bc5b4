import { afterEach, expect, test, vi } from 'vitest'
import { upload } from '../../../renderer/frame/upload.ts'

afterEach(() => vi.unstubAllGlobals())

/** Sends these and answers as the host does; what was sent under which path, and what is opened. */
async function sent(...paths: string[]) {
  const names: (string | null)[] = []
  vi.stubGlobal('location', { hash: '' })
  vi.stubGlobal('fetch', async (url: string) => {
    const name = new URL(url, 'http://host').searchParams.get('name')!
    names.push(name)
    const [first] = name.split('/')
    return Response.json({ id: first, name: first, kind: name === first ? 'file' : 'folder', byteLength: null })
  })
  const { name, kind } = await upload(paths.map((path) => new File(['x'], path)))
  return { names, opened: [name, kind] }
}

test('two files of one name in a dropped folder are both sent, and the folder is opened as any other', async () => {
  const paths = ['models/a/model.safetensors', 'models/b/model.safetensors']
  expect(await sent(...paths)).toEqual({ names: paths, opened: ['models', 'folder'] })
})

test('of a model and a folder of its data the model is opened', async () => {
  const paths = ['data/weights.bin', 'model.onnx']
  expect(await sent(...paths)).toEqual({ names: paths, opened: ['model.onnx', 'file'] })
})

test('an upload that breaks off says so, and is no fault of the program', async () => {
  vi.stubGlobal('location', { hash: '' })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  await expect(upload([new File(['x'], 'model.npy')])).rejects.toMatchObject({
    code: 'cannot-write',
    message: 'The upload of model.npy was interrupted.',
  })
})
