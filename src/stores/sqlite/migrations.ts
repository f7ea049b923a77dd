/** The view of the agents with the columns of the original mesh registry, whose dashboards query `SELECT * FROM agents`. */
const agentsView = (status: string, moreColumns = '') => `CREATE VIEW agents AS
 SELECT
   r.id AS id,
   coalesce(r.definition ->> '$.facts.name', r.name) AS name,
   r.namespace AS namespace,
   r.definition ->> '$.facts.endpoint' AS endpoint,
   CASE
     WHEN b.beat_at IS NULL THEN 'pending'
     WHEN unixepoch('subsec') * 1000 - b.beat_at > r.eviction_threshold * 1000 THEN 'offline'
     WHEN unixepoch('subsec') * 1000 - b.beat_at > r.timeout_threshold * 1000 THEN 'unhealthy'
     ELSE ${status}
   END AS status,
   coalesce(r.definition ->> '$.definition.labels', '{}') AS labels,
   coalesce(r.definition ->> '$.definition.annotations', '{}') AS annotations,
   strftime('%Y-%m-%dT%H:%M:%fZ', r.created_at / 1000.0, 'unixepoch') AS created_at,
   strftime('%Y-%m-%dT%H:%M:%fZ', r.updated_at / 1000.0, 'unixepoch') AS updated_at,
   CAST(r.version AS TEXT) AS resource_version,
   strftime('%Y-%m-%dT%H:%M:%fZ', b.beat_at / 1000.0, 'unixepoch') AS last_heartbeat,
   coalesce(r.definition ->> '$.facts.health_interval', 30) AS health_interval,
   r.timeout_threshold AS timeout_threshold,
   r.eviction_threshold AS eviction_threshold,
   coalesce(r.definition ->> '$.facts.agent_type', 'default') AS agent_type,
   coalesce(r.definition ->> '$.facts.config', '{}') AS config,
   r.definition ->> '$.facts.security_context' AS security_context,
   coalesce(r.definition ->> '$.definition.dependencies', '[]') AS dependencies${moreColumns}
 FROM roster_registrations r LEFT JOIN roster_beats b ON b.name = r.name
 WHERE r.kind = 'agent';`

const capabilityNames = `(
     SELECT group_concat(name, ',')
     FROM (SELECT value ->> '$.name' AS name FROM json_each(r.definition, '$.definition.capabilities') ORDER BY key)
   )`

/**
 * Each migration runs once, in one transaction. It is never changed after a release: a later change is another migration.
 *
 * `version` is the key of a row, so that new rows are written next to each other at the end of the table.
 */
export const sqliteMigrations: readonly string[] = [
  `CREATE TABLE roster_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   INSERT INTO roster_meta VALUES ('epoch', lower(hex(randomblob(8)))), ('version', '0'), ('forgotten', '0');
   CREATE TABLE roster_registrations (
     version INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     definition TEXT NOT NULL,
     timeout_threshold REAL,
     eviction_threshold REAL,
     instance_id TEXT,
     holder TEXT,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     UNIQUE (kind, id)
   ) STRICT;
   CREATE TABLE roster_deletions (
     version INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     deleted_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE roster_beats (
     name TEXT PRIMARY KEY,
     beat_at INTEGER NOT NULL,
     said TEXT,
     writer TEXT NOT NULL,
     written_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE roster_sources (
     source TEXT PRIMARY KEY,
     fingerprint TEXT NOT NULL,
     kept_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE roster_readings (
     source TEXT NOT NULL,
     position INTEGER NOT NULL,
     origin TEXT NOT NULL,
     reading TEXT NOT NULL,
     PRIMARY KEY (source, position)
   ) STRICT;`,
  agentsView("'healthy'"),
  `DROP VIEW agents;
   ${agentsView(
     "coalesce(b.said, 'healthy')",
     `,
   ${capabilityNames} AS capability,
   strftime('%Y-%m-%dT%H:%M:%fZ', b.beat_at / 1000.0, 'unixepoch') AS last_seen`,
   )}`,
  `CREATE TABLE roster_events (
     id INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     type TEXT NOT NULL,
     event_type TEXT NOT NULL,
     namespace TEXT,
     server TEXT,
     agent_id TEXT,
     function_name TEXT,
     source TEXT,
     body TEXT NOT NULL,
     digest TEXT,
     writer TEXT NOT NULL
   ) STRICT;
   CREATE INDEX roster_events_server ON roster_events (server, id) WHERE server IS NOT NULL;
   CREATE INDEX roster_events_agent ON roster_events (agent_id, id) WHERE agent_id IS NOT NULL;
   INSERT INTO roster_meta VALUES ('event', '0');`,
  `CREATE TABLE roster_statistics (
     server TEXT PRIMARY KEY,
     statistics TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
]
