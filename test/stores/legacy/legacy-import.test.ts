import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { readLegacyAgents } from '../../../src/stores/legacy/legacy-import.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import { put } from '../builders.ts'
import { postgresMissing, query, startPostgres } from '../databases/postgres.ts'

/** The tables of the original mesh registry as its programs made them, with some rows. */
const original = `
  CREATE TABLE agents (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, namespace TEXT DEFAULT 'default', endpoint TEXT, status TEXT DEFAULT 'pending',
    labels TEXT DEFAULT '{}', annotations TEXT DEFAULT '{}', created_at TIMESTAMP, updated_at TIMESTAMP,
    resource_version TEXT, last_heartbeat TIMESTAMP, health_interval INTEGER DEFAULT 30, timeout_threshold INTEGER DEFAULT 60,
    eviction_threshold INTEGER DEFAULT 120, agent_type TEXT, config TEXT DEFAULT '{}', security_context TEXT,
    dependencies TEXT DEFAULT '[]');
  CREATE TABLE capabilities (
    id INTEGER PRIMARY KEY, agent_id TEXT, name TEXT, description TEXT, version TEXT DEFAULT '1.0.0', parameters_schema TEXT,
    security_requirements TEXT, created_at TIMESTAMP, updated_at TIMESTAMP);
  CREATE TABLE registry_events (id INTEGER PRIMARY KEY, event_type TEXT, agent_id TEXT);
  INSERT INTO agents (id, name, namespace, endpoint, labels, created_at, last_heartbeat, agent_type, dependencies, timeout_threshold)
    VALUES ('file-1', 'file-agent', 'prod', 'http://files:8001', '{"env":"prod"}', '2025-06-10 12:00:00', '2025-06-10 12:05:00.123456', 'file-agent', '["auth"]', 90);
  INSERT INTO agents (id, name, labels, config, created_at, timeout_threshold, dependencies)
    VALUES ('broken', '', '{not json', '[1]', '1999-01-01 00:00:00', -5, '{}');
  INSERT INTO capabilities (id, agent_id, name, description, parameters_schema) VALUES (1, 'file-1', 'read_file', 'Reads', '{"type":"object"}');
  INSERT INTO capabilities (id, agent_id, name, parameters_schema) VALUES (2, 'file-1', 'list', 'nonsense');
  INSERT INTO capabilities (id, agent_id, name) VALUES (3, 'file-1', NULL);
  INSERT INTO capabilities (id, agent_id, name) VALUES (4, 'missing', 'lost');
  INSERT INTO registry_events (id, event_type, agent_id) VALUES (1, 'ADDED', 'file-1');
  INSERT INTO registry_events (id, event_type, agent_id) VALUES (2, 'MODIFIED', 'file-1');`

async function showsTheOriginals(url: string): Promise<void> {
  const { agents, report } = await readLegacyAgents(url)

  assert.deepEqual(agents, [
    {
      id: 'file-1',
      name: 'file-agent',
      namespace: 'prod',
      endpoint: 'http://files:8001',
      labels: { env: 'prod' },
      annotations: {},
      health_interval: 30,
      timeout_threshold: 90,
      eviction_threshold: 120,
      agent_type: 'file-agent',
      config: {},
      dependencies: ['auth'],
      capabilities: [
        { name: 'read_file', version: '1.0.0', description: 'Reads', parameters_schema: { type: 'object' } },
        { name: 'list', version: '1.0.0' },
      ],
      created_at: '2025-06-10T12:00:00.000Z',
      last_heartbeat: '2025-06-10T12:05:00.123Z',
    },
    {
      id: 'broken',
      name: 'broken',
      namespace: 'default',
      endpoint: 'stdio://broken',
      labels: {},
      annotations: {},
      health_interval: 30,
      eviction_threshold: 120,
      agent_type: 'default',
      config: {},
      dependencies: [],
      capabilities: [],
      created_at: '1999-01-01T00:00:00.000Z',
    },
  ])
  const said = report.problems.map(({ agent_id, field, problem }) => `${agent_id} ${field} ${problem}`)
  assert.deepEqual(said.toSorted(), [
    'broken config is not a map; left empty',
    'broken dependencies is not a list; left empty',
    'broken labels is not valid JSON; left empty',
    'broken timeout_threshold is not a positive number; the default is used',
    'file-1 capabilities one has no name; skipped',
    'file-1 capabilities.list.parameters_schema is not valid JSON; left empty',
    'missing capabilities 1 belong to a missing agent; skipped',
  ])
  assert.deepEqual(report.not_imported, { registry_events: 2 })
  assert.equal(report.agents, 2)
  assert.equal(report.capabilities, 2)
}

describe('importing an original mesh registry', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  function file(name: string, sql: string): string {
    const database = new DatabaseSync(join(folder, name))
    database.exec(sql)
    database.close()
    return join(folder, name)
  }

  it('reads all agents of a SQLite file, leaves it untouched and reports unreadable fields', async () => {
    const path = file('original.db', original)
    const before = readFileSync(path)

    await showsTheOriginals(path)
    await showsTheOriginals(`sqlite://${path}`)

    assert.deepEqual(readFileSync(path), before)
  })

  it('reads the first schema, which had no types and no thresholds', async () => {
    const path = file(
      'first.db',
      "CREATE TABLE agents (id TEXT, name TEXT, endpoint TEXT); INSERT INTO agents VALUES ('a', 'A', 'http://a')",
    )

    const { agents, report } = await readLegacyAgents(path)

    assert.equal(agents[0]?.name, 'A')
    assert.deepEqual(report.problems, [])
  })

  it('refuses any database but that of an original mesh registry', async () => {
    const own = join(folder, 'own.db')
    const store = await openSqlite({ path: own, log: silent })
    await store.commit([put()])
    await store[Symbol.asyncDispose]()

    await assert.rejects(readLegacyAgents(own), /is a store of mcp-roster/)
    await assert.rejects(readLegacyAgents(file('other.db', 'CREATE TABLE bookmarks (url TEXT)')), /no table "agents"/)
    await assert.rejects(readLegacyAgents(join(folder, 'absent.db')), /is not a file/)
    await assert.rejects(readLegacyAgents('mysql://user:hush@localhost/x'), /SQLite or PostgreSQL/)
    await assert.rejects(
      readLegacyAgents('mongodb://user:hush@localhost/x'),
      (error: Error) => !error.message.includes('hush'),
    )
  })

  it('reads all agents of a PostgreSQL database', { skip: postgresMissing() }, async () => {
    await using server = await startPostgres()
    const url = await server.create()
    await query(url, original)

    await showsTheOriginals(url)
  })
})
