import { shellTexts as texts } from '../texts/shell.ts'
import type { DashboardPage } from './dashboard-page.ts'

/** Every page, in the order of the menu. */
export const pages: readonly DashboardPage[] = [
  {
    path: '',
    title: texts.pages.overview,
    isInMenu: true,
    load: async () => (await import('./overview/overview-page.tsx')).OverviewPage,
  },
  {
    path: 'servers',
    title: texts.pages.server,
    isInMenu: false,
    isBelow: true,
    load: async () => (await import('./server/server-page.tsx')).ServerPage,
  },
  {
    path: 'servers',
    title: texts.pages.servers,
    isInMenu: true,
    load: async () => (await import('./servers/servers-page.tsx')).ServersPage,
  },
  {
    path: 'sources',
    title: texts.pages.sources,
    isInMenu: true,
    load: async () => (await import('./sources/sources-page.tsx')).SourcesPage,
  },
  {
    path: 'agents',
    title: texts.pages.agents,
    isInMenu: true,
    load: async () => (await import('./agents/agents-page.tsx')).AgentsPage,
  },
  {
    path: 'capabilities',
    title: texts.pages.capabilities,
    isInMenu: true,
    load: async () => (await import('./capabilities/capabilities-page.tsx')).CapabilitiesPage,
  },
  {
    path: 'graph',
    title: texts.pages.graph,
    isInMenu: true,
    load: async () => (await import('./graph/graph-page.tsx')).GraphPage,
  },
  {
    path: 'events',
    title: texts.pages.events,
    isInMenu: true,
    load: async () => (await import('./events/events-page.tsx')).EventsPage,
  },
  {
    path: 'statistics',
    title: texts.pages.statistics,
    isInMenu: true,
    load: async () => (await import('./statistics/statistics-page.tsx')).StatisticsPage,
  },
  {
    path: 'operations',
    title: texts.pages.operations,
    isInMenu: true,
    load: async () => (await import('./operations/operations-page.tsx')).OperationsPage,
  },
  {
    path: 'add',
    title: texts.pages.add,
    isInMenu: true,
    load: async () => (await import('./add/add-page.tsx')).AddPage,
  },
]
