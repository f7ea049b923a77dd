import { render } from 'preact'
import { App } from './app.tsx'
import { followServers } from './data/live-servers.ts'
import { followRights } from './data/rights.ts'
import { followLinks } from './router.ts'
import './styles.css'

followLinks()
followServers()
followRights()
const root = document.getElementById('app')
if (root) render(<App />, root)
