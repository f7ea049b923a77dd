import * as z from 'zod'
import { Auth } from '../api/config/auth.ts'
import { Cors } from '../api/config/cors.ts'
import { Limits } from '../api/config/limits.ts'
import { Listen } from '../api/config/listen.ts'
import { Publish } from '../api/config/publish.ts'
import { WatchConfig } from '../api/config/watch.ts'
import { HealthConfig } from '../health/config.ts'
import { LogConfig } from '../log.ts'
import { Metrics } from '../metrics/config.ts'
import { SourceConfig } from '../sources/catalogue.ts'
import { StoreConfig } from '../stores/config.ts'

/** Everything an operator can say to the daemon. Each part brings its own section. */
export const Config = z.strictObject({
  listen: Listen.prefault({}).describe('Where the daemon answers.'),
  sources: z.array(SourceConfig).max(1000).default([]).describe('Where servers are found; the order is precedence.'),
  store: StoreConfig.prefault({ type: 'sqlite' }).describe('Where registrations survive a restart.'),
  health: HealthConfig.describe('How servers are checked.'),
  auth: Auth.describe('Who may do what.'),
  cors: Cors.describe('What web pages of other origins may do.'),
  limits: Limits.describe('How much one request may ask of the daemon.'),
  watch: WatchConfig.describe('How much watchers may ask of the daemon.'),
  publish: Publish.describe('How servers are told to other registries and their clients.'),
  metrics: Metrics.describe('What is told to Prometheus, and where.'),
  log: LogConfig.prefault({}).describe('What is logged, and how it looks.'),
})
export type Config = z.output<typeof Config>
