import type { ComponentType } from 'preact'

export type PageProps = {
  /** Parts of the path below the page's own. */
  readonly parts: readonly string[]
}

/** A page of the dashboard. Its code is loaded when it is first opened. */
export type DashboardPage = {
  /** First part of its path; empty: the page of `/ui/` itself. */
  readonly path: string
  readonly title: string
  readonly isInMenu: boolean
  /** Whether it is the page of what lies below its path, such as one server of `servers`. */
  readonly isBelow?: boolean
  readonly load: () => Promise<ComponentType<PageProps>>
}
