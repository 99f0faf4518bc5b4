/** A picture as a file or on the clipboard, and numbers as CSV. Pictures are made from data (core/report): nothing is read off the screen. */
import { copyImage, saveBlob, saveText } from '../../frame/download.ts'

/** PNG pixels for each pixel of the picture. */
const pngScale = 2

export function saveSvg(picture: string, name: string): void {
  saveBlob(new Blob([picture], { type: 'image/svg+xml' }), `${name}.svg`)
}

/** @throws Error when the browser cannot draw the picture */
export async function savePng(picture: string, name: string): Promise<void> {
  saveBlob(await pngOf(picture), `${name}.png`)
}

/** As an image that pastes into a document. @throws Error when the browser does not let it */
export function copyPicture(picture: string): Promise<void> {
  return copyImage(pngOf(picture))
}

async function pngOf(picture: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([picture], { type: 'image/svg+xml' }))
  try {
    const image = new Image()
    image.src = url
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(image.naturalWidth * pngScale)
    canvas.height = Math.round(image.naturalHeight * pngScale)
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
    if (!blob) throw new Error('the browser made no PNG of the picture')
    return blob
  } finally {
    URL.revokeObjectURL(url)
  }
}

/** Every number as it is, not as it is shown; absent values are empty. Texts are quoted, numbers are not. */
export function saveCsv(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  name: string,
): void {
  const quote = (value: string | number) =>
    typeof value === 'number' || value === '' ? String(value) : `"${value.replaceAll('"', '""')}"`
  const lines = [header, ...rows].map((row) => row.map(quote).join(','))
  saveText(`${lines.join('\r\n')}\r\n`, `${name}.csv`, 'text/csv')
}
