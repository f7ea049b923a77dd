import type { Platform } from '../../src/config/loading/platform.ts'

/** A workstation, outside containers and clusters. */
export const platform: Platform = {
  container: false,
  cluster: false,
  home: '/home/ann',
  cwd: '/srv',
  stateDirectory: '/state',
  filePaths: ['/etc/mcp'],
}
