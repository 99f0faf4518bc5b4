#!/usr/bin/env node
/** The third door: the same engine and the same jobs as the page, without a picture. One command a file in cli/. */
import { commandLine } from './cli/program.ts'

process.exitCode = await commandLine(process.argv)
