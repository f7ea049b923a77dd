import { buildUi } from '../../config/ui.ts'

let building: Promise<unknown> | undefined

/** Builds the dashboard as it is now, once; a whole run has built it before its first test, since its files share the folder. */
export async function buildDashboard(): Promise<void> {
  if (process.env['ROSTER_UI_BUILT'] !== undefined) return
  building ??= buildUi('dist/ui')
  await building
}
