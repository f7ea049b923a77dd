/** The clock of the database, in whole milliseconds. */
export const postgresClock = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

const heartbeatAge = `(${postgresClock} - b.beat_at)`
// jsonb rejects NUL and lone surrogates. Agents may send them, and the view shows them as U+FFFD.
const definition = String.raw`regexp_replace(replace(r.definition, '\u0000', '\ufffd'), '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\ufffd', 'g')::json`
const time = (column: string) => `to_timestamp(${column} / 1000.0)`

/** The view of the agents with the columns of the original mesh registry, whose dashboards query `SELECT * FROM agents`. */
const agentsView = (status: string, moreColumns = '') => `VIEW agents AS
 SELECT
   r.id AS id,
   coalesce(d.definition -> 'facts' ->> 'name', r.name) AS name,
   r.namespace AS namespace,
   d.definition -> 'facts' ->> 'endpoint' AS endpoint,
   CASE
     WHEN b.beat_at IS NULL THEN 'pending'
     WHEN ${heartbeatAge} > r.eviction_threshold * 1000 THEN 'offline'
     WHEN ${heartbeatAge} > r.timeout_threshold * 1000 THEN 'unhealthy'
     ELSE ${status}
   END AS status,
   coalesce(d.definition -> 'definition' ->> 'labels', '{}') AS labels,
   coalesce(d.definition -> 'definition' ->> 'annotations', '{}') AS annotations,
   ${time('r.created_at')} AS created_at,
   ${time('r.updated_at')} AS updated_at,
   r.version::text AS resource_version,
   ${time('b.beat_at')} AS last_heartbeat,
   coalesce(d.definition -> 'facts' ->> 'health_interval', '30') AS health_interval,
   r.timeout_threshold AS timeout_threshold,
   r.eviction_threshold AS eviction_threshold,
   coalesce(d.definition -> 'facts' ->> 'agent_type', 'default') AS agent_type,
   coalesce(d.definition -> 'facts' ->> 'config', '{}') AS config,
   d.definition -> 'facts' ->> 'security_context' AS security_context,
   coalesce(d.definition -> 'definition' ->> 'dependencies', '[]') AS dependencies${moreColumns}
 FROM roster_registrations r
 CROSS JOIN LATERAL (SELECT ${definition} AS definition) d
 LEFT JOIN roster_beats b ON b.name = r.name
 WHERE r.kind = 'agent';`

const capabilityNames = `(
     SELECT string_agg(c.capability ->> 'name', ',' ORDER BY c.position)
     FROM json_array_elements(d.definition -> 'definition' -> 'capabilities') WITH ORDINALITY AS c (capability, position)
   )`

/** Each migration runs once, all in one transaction. It is never changed after a release: a later change is another one. */
export const postgresMigrations: readonly string[] = [
  `CREATE TABLE roster_meta (key text PRIMARY KEY, value text NOT NULL);
   INSERT INTO roster_meta VALUES ('epoch', substr(md5(random()::text || clock_timestamp()), 1, 16)), ('version', '0'), ('forgotten', '0');
   CREATE TABLE roster_registrations (
     kind text NOT NULL,
     id text NOT NULL,
     version bigint NOT NULL UNIQUE,
     namespace text NOT NULL,
     name text NOT NULL,
     definition text NOT NULL,
     timeout_threshold double precision,
     eviction_threshold double precision,
     instance_id text,
     holder text,
     created_at bigint NOT NULL,
     updated_at bigint NOT NULL,
     PRIMARY KEY (kind, id)
   );
   CREATE TABLE roster_deletions (
     version bigint PRIMARY KEY,
     kind text NOT NULL,
     namespace text NOT NULL,
     name text NOT NULL,
     deleted_at bigint NOT NULL
   );
   CREATE TABLE roster_beats (
     name text PRIMARY KEY,
     beat_at bigint NOT NULL,
     said text,
     writer text NOT NULL,
     written_at bigint NOT NULL
   );
   CREATE INDEX roster_beats_written ON roster_beats (written_at);
   CREATE TABLE roster_sources (source text PRIMARY KEY, fingerprint text NOT NULL, kept_at bigint NOT NULL);
   CREATE TABLE roster_readings (
     source text NOT NULL REFERENCES roster_sources ON DELETE CASCADE,
     position integer NOT NULL,
     origin text NOT NULL,
     reading text NOT NULL,
     PRIMARY KEY (source, position)
   );`,
  `CREATE ${agentsView("'healthy'")}`,
  // Replacing it keeps the views on it, and the rights of dashboards.
  `CREATE OR REPLACE ${agentsView(
    "coalesce(b.said, 'healthy')",
    `,
   ${capabilityNames} AS capability,
   ${time('b.beat_at')} AS last_seen`,
  )}`,
  `CREATE TABLE roster_events (
     id bigint PRIMARY KEY,
     at bigint NOT NULL,
     type text NOT NULL,
     event_type text NOT NULL,
     namespace text,
     server text,
     agent_id text,
     function_name text,
     source text,
     body text NOT NULL,
     digest text,
     writer text NOT NULL
   );
   CREATE INDEX roster_events_server ON roster_events (server, id) WHERE server IS NOT NULL;
   CREATE INDEX roster_events_agent ON roster_events (agent_id, id) WHERE agent_id IS NOT NULL;
   INSERT INTO roster_meta VALUES ('event', '0');`,
  `CREATE TABLE roster_statistics (
     server text COLLATE "C" PRIMARY KEY,
     statistics text NOT NULL
   );`,
  `CREATE TABLE roster_members (
     id text PRIMARY KEY,
     incarnation text NOT NULL,
     lease_ms bigint NOT NULL,
     build text NOT NULL,
     address text,
     schema_version integer NOT NULL,
     joined_at bigint NOT NULL,
     seen_at bigint NOT NULL
   );`,
  `CREATE TABLE roster_verdicts (
     target text COLLATE "C" PRIMARY KEY,
     batch bigint NOT NULL,
     prober text NOT NULL,
     verdict text NOT NULL,
     checks text NOT NULL,
     written_at bigint NOT NULL
   );
   CREATE INDEX roster_verdicts_batch ON roster_verdicts (batch, target);
   INSERT INTO roster_meta VALUES ('verdict', '0');`,
]
