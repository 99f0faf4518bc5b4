/**
 * What `electron FOLDER` does, for a runtime that was shipped with an application and so without Electron's own default_app.asar:
 * takes the first argument that is no switch for an application's folder, and runs it under its own name.
 */
const { app } = require('electron')
const { readFileSync } = require('node:fs')
const { join, resolve } = require('node:path')

const folder = process.argv.slice(1).find((argument) => !argument.startsWith('-'))
if (!folder) throw new Error('Name the folder of an application.')
const path = resolve(folder)
const { name, productName, version, main } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
Object.defineProperty(process, 'defaultApp', { enumerable: true, value: true })
app.setVersion(version)
app.name = productName ?? name
app.setAppPath(path)
require(join(path, main))
