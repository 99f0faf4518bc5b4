/** Entry of the page: policy-safe libraries, language, connection, then the picture. */
import { nonce } from './policy.ts'
import '@mantine/core/styles.css'
import './styles/base.css'
import './styles/header.css'
import './styles/start.css'
import './styles/workbench.css'
import './styles/chart.css'
import './styles/map.css'
import './styles/bottom.css'
import './styles/compress.css'
import './styles/ab.css'
import './styles/runs.css'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { startSession } from './actions/session.ts'
import { startI18n } from './i18n/i18n.ts'

await startI18n()
createRoot(document.getElementById('root')!).render(<App nonce={nonce} />)
await startSession()
