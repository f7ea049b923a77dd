import type { Log } from '../../log.ts'
import { isRejectedStatement, type MysqlRun } from './pool.ts'

/** The value at a path of the agent, as text; NULL where it is absent or `null`. */
function text(path: string): string {
  const value = `JSON_EXTRACT(r.definition, '${path}')`
  return `CASE JSON_TYPE(${value}) WHEN 'NULL' THEN NULL ELSE JSON_UNQUOTE(${value}) END`
}

const time = (column: string) => `FROM_UNIXTIME(${column} / 1000)`
// Whole seconds: unlike the time of a session, they are the same in every time zone.
const heartbeatAge = '(CAST(UNIX_TIMESTAMP() AS SIGNED) * 1000 - b.beat_at)'
const names = "JSON_EXTRACT(r.definition, '$.definition.capabilities[*].name')"

/**
 * The view of the agents with the columns of the original mesh registry, whose dashboards query `SELECT * FROM agents`.
 *
 * MySQL rejects JSON with a lone surrogate; agents may send one, and the view shows it as U+FFFD.
 */
const agentsView = String.raw`CREATE OR REPLACE VIEW agents AS
 SELECT
   CONVERT(r.id USING utf8mb4) AS id,
   COALESCE(${text('$.facts.name')}, CONVERT(r.name USING utf8mb4)) AS name,
   CONVERT(r.namespace USING utf8mb4) AS namespace,
   ${text('$.facts.endpoint')} AS endpoint,
   CASE
     WHEN b.beat_at IS NULL THEN 'pending'
     WHEN ${heartbeatAge} > r.eviction_threshold * 1000 THEN 'offline'
     WHEN ${heartbeatAge} > r.timeout_threshold * 1000 THEN 'unhealthy'
     ELSE COALESCE(b.said, 'healthy')
   END AS status,
   COALESCE(${text('$.definition.labels')}, '{}') AS labels,
   COALESCE(${text('$.definition.annotations')}, '{}') AS annotations,
   ${time('r.created_at')} AS created_at,
   ${time('r.updated_at')} AS updated_at,
   CAST(r.version AS CHAR) AS resource_version,
   ${time('b.beat_at')} AS last_heartbeat,
   COALESCE(${text('$.facts.health_interval')}, '30') AS health_interval,
   r.timeout_threshold AS timeout_threshold,
   r.eviction_threshold AS eviction_threshold,
   COALESCE(${text('$.facts.agent_type')}, 'default') AS agent_type,
   COALESCE(${text('$.facts.config')}, '{}') AS config,
   ${text('$.facts.security_context')} AS security_context,
   COALESCE(${text('$.definition.dependencies')}, '[]') AS dependencies,
   REPLACE(SUBSTRING(${names}, 3, CHAR_LENGTH(${names}) - 4), '", "', ',') AS capability,
   ${time('b.beat_at')} AS last_seen
 FROM (
   SELECT id, name, namespace, version, timeout_threshold, eviction_threshold, created_at, updated_at,
     REGEXP_REPLACE(definition, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '${'\ufffd'}') AS definition
   FROM roster_registrations WHERE kind = 'agent'
 ) r LEFT JOIN roster_beats b ON b.name = r.name`

/**
 * Creates the view where it is absent. It needs the right CREATE VIEW, which the registry itself does not: without the
 * right, the daemon warns and serves.
 */
export async function createAgentsView(run: MysqlRun, label: string, log: Log): Promise<void> {
  try {
    await run(agentsView)
  } catch (error) {
    if (!isRejectedStatement(error)) throw error
    log.warn(
      { store: label, reason: error.message },
      'view "agents" not created, so dashboards of the original registry find no agents: grant CREATE VIEW and restart',
    )
  }
}
