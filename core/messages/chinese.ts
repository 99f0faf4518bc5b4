/** The Chinese of every message. What is missing here does not compile. */
import { adapters } from './chinese/adapters.ts'
import { answers } from './chinese/answers.ts'
import { desktop } from './chinese/desktop.ts'
import { device } from './chinese/device.ts'
import { engine } from './chinese/engine.ts'
import { files } from './chinese/files.ts'
import { forecast } from './chinese/forecast.ts'
import { formats } from './chinese/formats.ts'
import { general } from './chinese/general.ts'
import { graph } from './chinese/graph.ts'
import { hosts } from './chinese/hosts.ts'
import { nothing } from './chinese/nothing.ts'
import { phases } from './chinese/phases.ts'
import { plan } from './chinese/plan.ts'
import { readers } from './chinese/readers.ts'
import { report } from './chinese/report.ts'
import { requests } from './chinese/requests.ts'
import { runs } from './chinese/runs.ts'
import { start } from './chinese/start.ts'
import { statistics } from './chinese/statistics.ts'
import type { Translation } from './english.ts'

export const chinese: Translation = {
  ...adapters,
  ...answers,
  ...desktop,
  ...device,
  ...engine,
  ...files,
  ...forecast,
  ...formats,
  ...general,
  ...graph,
  ...hosts,
  ...nothing,
  ...phases,
  ...plan,
  ...readers,
  ...report,
  ...requests,
  ...runs,
  ...start,
  ...statistics,
}
