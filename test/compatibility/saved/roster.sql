-- A store of version 0.1.0: agents, a server written by hand, heartbeats, a deletion, the last reading of a source.
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE roster_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO roster_meta VALUES ('epoch', '3eabd1acc1c4c6f1');
INSERT INTO roster_meta VALUES ('forgotten', '0');
INSERT INTO roster_meta VALUES ('schema', '2');
INSERT INTO roster_meta VALUES ('touched', '1796039373014');
INSERT INTO roster_meta VALUES ('version', '5');
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
INSERT INTO roster_registrations VALUES (1, 'agent', 'summariser-1', 'default', 'summariser-1', '{"definition":{"name":"summariser-1","namespace":"default","type":"http","url":"http://10.0.0.9:8080/mcp","headers":{},"enabled":true,"tags":[],"labels":{"team":"research"},"annotations":{"registered_via":"register_with_metadata","original_name":"summariser","original_agent_type":"worker","original_endpoint":"http://10.0.0.9:8080/mcp"},"capabilities":[{"name":"summarise","version":"1.4.0","category":"language","stability":"stable","tags":["text"],"kind":"declared","origin":"declared"},{"name":"translate","version":"1.0.0","stability":"stable","tags":[],"kind":"declared","origin":"declared"}],"dependencies":[],"health_check":"none","health_check_interval":30,"auto_reconnect":true,"max_retries":3,"retry_delay":5,"metadata":{"agent_type":"worker"},"title":"summariser","version":"2.1.0"},"facts":{"name":"summariser","endpoint":"http://10.0.0.9:8080/mcp","agent_type":"worker","health_interval":30,"timeout_threshold":45,"eviction_threshold":90,"config":{},"security_context":null}}', 45, 90, NULL, 'anonymous', 1796039373033, 1796039373033);
INSERT INTO roster_registrations VALUES (2, 'agent', 'planner-1', 'team-a', 'planner-1', '{"definition":{"name":"planner-1","namespace":"team-a","type":"stdio","args":[],"env":{},"url":"stdio://planner","enabled":true,"tags":[],"labels":{"env":"prod"},"annotations":{},"capabilities":[{"name":"plan","version":"1.0.0","stability":"stable","tags":[],"kind":"declared","origin":"declared"}],"dependencies":["summariser"],"health_check":"none","health_check_interval":30,"auto_reconnect":true,"max_retries":3,"retry_delay":5,"metadata":{"agent_type":"default"},"title":"planner"},"facts":{"name":"planner","endpoint":"stdio://planner","agent_type":"default","health_interval":30,"timeout_threshold":90,"eviction_threshold":180,"config":{},"security_context":null}}', 90, 180, NULL, 'anonymous', 1796039373082, 1796039373082);
INSERT INTO roster_registrations VALUES (4, 'manual', 'finance/ledger', 'finance', 'ledger', '{"name":"ledger","namespace":"finance","type":"http","url":"https://ledger.example/mcp","headers":{"X-Api-Key":"example"},"enabled":true,"tags":["money"],"labels":{},"annotations":{},"capabilities":[],"dependencies":[],"health_check":"mcp","health_check_interval":30,"auto_reconnect":true,"max_retries":3,"retry_delay":5,"metadata":{}}', NULL, NULL, NULL, NULL, 1796039373364, 1796039373364);
CREATE TABLE roster_deletions (
     version INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     deleted_at INTEGER NOT NULL
   ) STRICT;
INSERT INTO roster_deletions VALUES (5, 'agent', 'default', 'gone-1', 1796039373627);
CREATE TABLE roster_beats (
     name TEXT PRIMARY KEY,
     beat_at INTEGER NOT NULL,
     said TEXT,
     writer TEXT NOT NULL,
     written_at INTEGER NOT NULL
   ) STRICT;
INSERT INTO roster_beats VALUES ('summariser-1', 1796039373050, NULL, '77fac3fe-4597-4c35-9823-09223f956315', 1796039378050);
INSERT INTO roster_beats VALUES ('planner-1', 1796039373226, 'degraded', '77fac3fe-4597-4c35-9823-09223f956315', 1796039378050);
CREATE TABLE roster_sources (
     source TEXT PRIMARY KEY,
     fingerprint TEXT NOT NULL,
     kept_at INTEGER NOT NULL
   ) STRICT;
INSERT INTO roster_sources VALUES ('partner', '05fc2e2c713783e1db7e52d5133e063fe11af491b0bc5415c829b17ee1df79f6', 1796039374588);
CREATE TABLE roster_readings (
     source TEXT NOT NULL,
     position INTEGER NOT NULL,
     origin TEXT NOT NULL,
     reading TEXT NOT NULL,
     PRIMARY KEY (source, position)
   ) STRICT;
INSERT INTO roster_readings VALUES ('partner', 0, 'http://127.0.0.1:18999/servers.json', '{"rank":0,"entries":[{"value":{"name":"forecast","namespace":"default","description":"Forecasts","type":"http","url":"http://forecast.example:9000/mcp","headers":{},"enabled":true,"tags":["geo"],"labels":{},"annotations":{},"capabilities":[],"dependencies":[],"health_check":"mcp","health_check_interval":30,"auto_reconnect":true,"max_retries":3,"retry_delay":5,"metadata":{}}},{"value":{"name":"tides","namespace":"default","type":"sse","url":"http://tides.example/sse","headers":{},"enabled":true,"tags":[],"labels":{},"annotations":{},"capabilities":[],"dependencies":[],"health_check":"mcp","health_check_interval":30,"auto_reconnect":true,"max_retries":3,"retry_delay":5,"metadata":{}}}]}');
CREATE VIEW agents AS
   SELECT
     r.id AS id,
     coalesce(r.definition ->> '$.facts.name', r.name) AS name,
     r.namespace AS namespace,
     r.definition ->> '$.facts.endpoint' AS endpoint,
     CASE
       WHEN b.beat_at IS NULL THEN 'pending'
       WHEN unixepoch('subsec') * 1000 - b.beat_at > r.eviction_threshold * 1000 THEN 'offline'
       WHEN unixepoch('subsec') * 1000 - b.beat_at > r.timeout_threshold * 1000 THEN 'unhealthy'
       ELSE 'healthy'
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
     coalesce(r.definition ->> '$.definition.dependencies', '[]') AS dependencies
   FROM roster_registrations r LEFT JOIN roster_beats b ON b.name = r.name
   WHERE r.kind = 'agent';
COMMIT;
