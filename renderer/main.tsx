/** Entry of the page: policy-safe libraries, language, connection, then the picture. */
import { nonce } from './app/policy.ts'
import '@mantine/core/styles.css'
import './frame/tokens.css'
import './frame/base.css'
import './app/header.css'
import './app/start.css'
import './app/workbench.css'
import './tensor/list.css'
import './charts/chart.css'
import './charts/map/map.css'
import './outcome/outcome.css'
import './tensor/tensor.css'
import './runs/dialogs/compress.css'
import './ab/ab.css'
import './runs/runs.css'
import './try/try.css'
import { createRoot } from 'react-dom/client'
import { App } from './app/App.tsx'
import { fetchScreens } from './app/later.ts'
import { startSession } from './app/session-actions.ts'
import { startI18n } from './words/i18n.ts'

await startI18n()
createRoot(document.getElementById('root')!).render(<App nonce={nonce} />)
// After the next frame, which is the first that has anything in it.
requestAnimationFrame(() => setTimeout(fetchScreens))
await startSession()
