import type { Platform } from '../../src/config/loading/platform.ts'

/** A machine of somebody's, no container. */
export const platform: Platform = {
  container: false,
  cluster: false,
  home: '/home/ann',
  cwd: '/srv',
  stateDirectory: '/state',
  filePaths: ['/etc/mcp'],
}
