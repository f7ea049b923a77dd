/** The clock of the database, in whole milliseconds. Sessions use UTC, which has no ambiguous hour. */
export const mysqlClock = 'CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)'

/**
 * Each migration runs once, and is never changed after a release. MySQL commits each schema change separately, so every
 * statement must be repeatable after a crash in between.
 *
 * Names are bytes, since text columns of MySQL treat "a" and "a " as equal, whatever their collation.
 */
export const mysqlMigrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE IF NOT EXISTS roster_meta (name VARCHAR(32) CHARACTER SET ascii PRIMARY KEY, value VARCHAR(255) CHARACTER SET ascii NOT NULL) ENGINE = InnoDB`,
    `INSERT IGNORE INTO roster_meta VALUES ('epoch', SUBSTRING(MD5(CONCAT(UUID(), RAND())), 1, 16)), ('version', '0'), ('forgotten', '0')`,
    `CREATE TABLE IF NOT EXISTS roster_registrations (
       kind VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
       id VARBINARY(1100) NOT NULL,
       version BIGINT NOT NULL UNIQUE,
       namespace VARBINARY(255) NOT NULL,
       name VARBINARY(1012) NOT NULL,
       definition MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL,
       timeout_threshold DOUBLE,
       eviction_threshold DOUBLE,
       instance_id TEXT CHARACTER SET utf8mb4,
       holder TEXT CHARACTER SET utf8mb4,
       created_at BIGINT NOT NULL,
       updated_at BIGINT NOT NULL,
       PRIMARY KEY (kind, id)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS roster_deletions (
       version BIGINT PRIMARY KEY,
       kind VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
       namespace VARBINARY(255) NOT NULL,
       name VARBINARY(1012) NOT NULL,
       deleted_at BIGINT NOT NULL
     ) ENGINE = InnoDB`,
    `CREATE TABLE IF NOT EXISTS roster_beats (
       name VARBINARY(1012) PRIMARY KEY,
       beat_at BIGINT NOT NULL,
       said TEXT CHARACTER SET utf8mb4,
       writer VARCHAR(64) CHARACTER SET ascii NOT NULL,
       written_at BIGINT NOT NULL,
       KEY roster_beats_written (written_at)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS roster_sources (
       source VARBINARY(1012) PRIMARY KEY,
       fingerprint TEXT CHARACTER SET utf8mb4 NOT NULL,
       kept_at BIGINT NOT NULL
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS roster_readings (
       source VARBINARY(1012) NOT NULL,
       position INT NOT NULL,
       origin MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL,
       reading LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
       PRIMARY KEY (source, position)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS roster_events (
       id BIGINT PRIMARY KEY,
       at BIGINT NOT NULL,
       type VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
       event_type VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
       namespace VARBINARY(1012),
       server VARBINARY(1280),
       agent_id VARBINARY(1012),
       function_name VARBINARY(1012),
       source VARBINARY(1012),
       body MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL,
       digest VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin,
       writer VARCHAR(64) CHARACTER SET ascii NOT NULL,
       KEY roster_events_server (server, id),
       KEY roster_events_agent (agent_id, id)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `INSERT IGNORE INTO roster_meta VALUES ('event', '0')`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS roster_statistics (
       server VARBINARY(1280) PRIMARY KEY,
       statistics MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS roster_members (
       id VARBINARY(1012) PRIMARY KEY,
       incarnation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
       lease_ms BIGINT NOT NULL,
       build VARCHAR(64) CHARACTER SET utf8mb4 NOT NULL,
       address TEXT CHARACTER SET utf8mb4,
       schema_version INT NOT NULL,
       joined_at BIGINT NOT NULL,
       seen_at BIGINT NOT NULL
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS roster_verdicts (
       target VARBINARY(256) PRIMARY KEY,
       batch BIGINT NOT NULL,
       prober TEXT CHARACTER SET utf8mb4 NOT NULL,
       verdict MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL,
       checks TEXT CHARACTER SET utf8mb4 NOT NULL,
       written_at BIGINT NOT NULL,
       KEY roster_verdicts_batch (batch, target)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `INSERT IGNORE INTO roster_meta VALUES ('verdict', '0')`,
  ],
]
