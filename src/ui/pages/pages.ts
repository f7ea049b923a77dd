import { shellTexts as texts } from '../texts/shell.ts'
import type { DashboardPage } from './dashboard-page.ts'

/** Every page, in the order of the menu. */
export const pages: readonly DashboardPage[] = [
  {
    path: 'servers',
    title: texts.pages.servers,
    isInMenu: true,
    load: async () => (await import('./servers/servers-page.tsx')).ServersPage,
  },
]
