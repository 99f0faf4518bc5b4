/**
 * Vite plugin: draws the application's icon, renderer/icon.svg, in every size and container that a system asks for, into `folder`:
 * NxN.png for Linux, icon.ico for Windows, icon.icns for macOS; and icon.png beside the node entries, for windows on Linux.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { initWasm, Resvg } from '@resvg/resvg-wasm'
import type { Plugin } from 'vite'

interface Picture {
  /** Width and height in pixels. */
  readonly size: number
  readonly png: Uint8Array
}

/** The sizes of the hicolor theme. */
const linuxSizes = [16, 22, 24, 32, 48, 64, 128, 256, 512]
const windowsSizes = [16, 20, 24, 32, 40, 48, 64, 256]
const windowSize = 256

/** Types of an .icns file that hold a PNG, and its pixels; @2x types are of twice their name's size. */
const macTypes = {
  icp4: 16,
  icp5: 32,
  ic11: 32,
  ic12: 64,
  ic07: 128,
  ic13: 256,
  ic08: 256,
  ic14: 512,
  ic09: 512,
  ic10: 1024,
}
/** On macOS a rounded square fills 824 of 1024 pixels; the rest is the shadow's and its neighbours'. */
const macScale = 824 / 1024

/** @param folder where containers and sizes go; @param windowIcon where the window's icon goes */
export function icons(svgFile: string, folder: string, windowIcon: string): Plugin {
  return {
    name: 'icons',
    apply: 'build',
    buildApp: {
      order: 'post',
      async handler() {
        const draw = await drawing(readFileSync(svgFile, 'utf8'))
        mkdirSync(folder, { recursive: true })
        for (const size of linuxSizes) writeFileSync(join(folder, `${size}x${size}.png`), draw(size))
        writeFileSync(join(folder, 'icon.ico'), icoOf(windowsSizes.map((size) => ({ size, png: draw(size) }))))
        writeFileSync(
          join(folder, 'icon.icns'),
          icnsOf((size) => draw(size, macScale)),
        )
        mkdirSync(dirname(windowIcon), { recursive: true })
        writeFileSync(windowIcon, draw(windowSize))
      },
    },
  }
}

async function drawing(svg: string): Promise<(size: number, scale?: number) => Uint8Array> {
  await initWasm(readFileSync(createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm')))
  return (size, scale = 1) => {
    const box = viewBoxOf(svg)
    const margin = (box * (1 / scale - 1)) / 2
    const drawn = svg.replace(
      /viewBox="[^"]*"/,
      `viewBox="${-margin} ${-margin} ${box + 2 * margin} ${box + 2 * margin}"`,
    )
    return new Resvg(drawn, { fitTo: { mode: 'width', value: size } }).render().asPng()
  }
}

/** Side of the square picture, in its own units. */
function viewBoxOf(svg: string): number {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []
  if (width === undefined || width !== height) throw new Error('icon: expected a square viewBox from 0 0')
  return Number(width)
}

/** ICONDIR, an ICONDIRENTRY of 16 bytes each, the pictures. PNG inside .ico is read since Windows Vista. */
function icoOf(pictures: readonly Picture[]): Buffer {
  const head = Buffer.alloc(6 + 16 * pictures.length)
  head.writeUInt16LE(1, 2)
  head.writeUInt16LE(pictures.length, 4)
  let offset = head.length
  for (const [index, { size, png }] of pictures.entries()) {
    const entry = 6 + 16 * index
    // 256 is written as 0.
    head.writeUInt8(size % 256, entry)
    head.writeUInt8(size % 256, entry + 1)
    head.writeUInt16LE(1, entry + 4)
    head.writeUInt16LE(32, entry + 6)
    head.writeUInt32LE(png.length, entry + 8)
    head.writeUInt32LE(offset, entry + 12)
    offset += png.length
  }
  return Buffer.concat([head, ...pictures.map(({ png }) => png)])
}

/** 'icns', total length, then each picture under its type and length; lengths are big-endian and include their heads of 8 bytes. */
function icnsOf(draw: (size: number) => Uint8Array): Buffer {
  const parts = Object.entries(macTypes).map(([type, size]) => {
    const png = draw(size)
    return Buffer.concat([headOf(type, png.length), png])
  })
  const body = Buffer.concat(parts)
  return Buffer.concat([headOf('icns', body.length), body])
}

function headOf(type: string, byteLength: number): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32BE(byteLength + 8, 4)
  return head
}
