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
    'broken labels is neither JSON nor a Python literal (no literal at character 2); left empty',
    'broken timeout_threshold is not a positive number; the default is used',
    'file-1 capabilities one has no name; skipped',
    'file-1 capabilities.list.parameters_schema is neither JSON nor a Python literal (no literal at character 1); left empty',
    'missing capabilities 1 belong to a missing agent; skipped',
  ])
  assert.deepEqual(report.not_imported, { registry_events: 2 })
  assert.equal(report.agents, 2)
  assert.equal(report.capabilities, 2)
}

const pythonRegistry = readFileSync(join(import.meta.dirname, 'python-registry.sql'), 'utf8')

/** The agents of `python-registry.sql`. */
async function showsThePythonAgents(url: string): Promise<void> {
  const { agents, report } = await readLegacyAgents(url)
  const byId = new Map(agents.map((agent) => [agent.id, agent]))

  assert.deepEqual([...byId.keys()].toSorted(), ['clock-1', 'limits-1', 'moved-1', 'plain-1', 'weather-1'])
  assert.deepEqual(byId.get('weather-1'), {
    id: 'weather-1',
    name: 'weather',
    namespace: 'prod',
    endpoint: 'http://weather:8001/mcp',
    labels: { env: 'prod' },
    annotations: {
      owner: "O'Neill",
      motto: 'say "hi"',
      both: 'it\'s "so"',
      city: 'Köln 🦉',
      path: 'C:\\temp\new\tline',
      note: '',
      'zero-width': '\u200b',
      nul: '\0',
    },
    health_interval: 15,
    timeout_threshold: 45,
    eviction_threshold: 90,
    agent_type: 'worker',
    config: {
      retries: 3,
      ratio: 0.1,
      tiny: 1e-7,
      big: 2 ** 70,
      nothing: null,
      debug: true,
      quiet: false,
      window: [1, 2],
      one: [1],
      tags: ['geo'],
      none: [],
      raw: 'é',
      nested: { list: [{ a: [null, true, { b: "c'd" }] }] },
      by_code: { 200: 'ok', null: 'none', true: 'yes' },
    },
    security_context: 'standard',
    dependencies: ['auth-service', "it's"],
    capabilities: [
      {
        name: 'forecast',
        version: '1.2.0',
        description: 'Forecasts for "O\'Fallon"',
        parameters_schema: {
          type: 'object',
          properties: {
            city: { type: 'string', default: null, enum: ['Köln', "O'Fallon", 'the "Hub"'] },
            days: { type: 'integer', minimum: 1, exclusiveMaximum: true },
          },
          required: ['city'],
          additionalProperties: false,
        },
        security_requirements: ['read:weather'],
        tags: ['geo', 'fast'],
        category: 'weather',
        stability: 'beta',
      },
      { name: 'alerts', version: '1.0.0', tags: [], stability: 'stable' },
    ],
    created_at: '2025-06-10T12:00:00.123Z',
    last_heartbeat: '2025-06-10T12:05:00.654Z',
  })
  // What is no literal, from the newest event.
  assert.deepEqual(byId.get('clock-1')?.config, {
    since: '2025-06-01T08:30:00Z',
    every: 'PT1M30S',
    id: '00000000-0000-0000-0000-000000000005',
  })
  assert.deepEqual(byId.get('clock-1')?.capabilities[0]?.parameters_schema, {
    type: 'object',
    'x-since': '2025-06-01T00:00:00',
  })
  assert.deepEqual(byId.get('moved-1')?.labels, { version: '2' })
  assert.deepEqual(byId.get('moved-1')?.config, { day: '2025-06-02' })
  assert.deepEqual(byId.get('limits-1')?.config, { max: null, min: null, mean: null, share: 1 })
  assert.deepEqual(Object.fromEntries(report.fields), {
    labels: { json: 2, python: 3 },
    annotations: { json: 4, python: 1 },
    config: { json: 1, python: 2, event: 2 },
    dependencies: { json: 4, python: 1 },
    agent_type: { event: 5 },
    timeout_threshold: { event: 5 },
    eviction_threshold: { event: 5 },
    'capabilities.parameters_schema': { python: 1, event: 1 },
    'capabilities.security_requirements': { python: 1 },
    'capabilities.tags': { event: 3 },
    'capabilities.category': { event: 1 },
    'capabilities.stability': { event: 3 },
  })
  const noLabel = 'does not have the form of a label; kept as an annotation'
  const fromEvent = (at: number) =>
    `is neither JSON nor a Python literal (no literal at character ${at}); taken from the newest event of the agent`
  assert.deepEqual(
    report.problems.map(({ agent_id, field, problem }) => `${agent_id} ${field} ${problem}`).toSorted(),
    [
      `clock-1 capabilities.now.parameters_schema ${fromEvent(31)}`,
      `clock-1 config ${fromEvent(11)}`,
      'limits-1 config has a number without a form in JSON (inf or nan), read as null',
      `moved-1 config ${fromEvent(9)}`,
      `weather-1 labels.both ${noLabel}`,
      `weather-1 labels.city ${noLabel}`,
      `weather-1 labels.motto ${noLabel}`,
      `weather-1 labels.owner ${noLabel}`,
      `weather-1 labels.path ${noLabel}`,
      'weather-1 config has an integer beyond 2^53, rounded',
    ].toSorted(),
  )
  assert.deepEqual(report.notes, [
    'Security requirements of capabilities are not imported: mcp-roster has no such field.',
  ])
  assert.deepEqual(report.not_imported, { agent_health: 1, registry_events: 8, schema_version: 1 })
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

  it('reads what the Python registry stored: Python literals, else its newest event', async () => {
    await showsThePythonAgents(file('python.db', pythonRegistry))
  })

  it('reads the values of a Python literal as the JSON that the Python registry wrote beside it', async () => {
    const path = file('beside.db', pythonRegistry)
    const database = new DatabaseSync(path)
    const events = database.prepare('SELECT agent_id, data FROM registry_events ORDER BY id').all()
    const lastEvents = new Map(events.map(({ agent_id: id, data }) => [id, JSON.parse(String(data)) as object]))
    database.exec("UPDATE registry_events SET data = 'pruned'")
    database.close()

    const { agents } = await readLegacyAgents(path)

    for (const { id, labels, annotations, config, dependencies } of agents) {
      const event = lastEvents.get(id) as Record<'labels' | 'annotations' | 'config' | 'dependencies', object>
      assert.deepEqual({ ...labels, ...annotations }, { ...event.labels, ...event.annotations })
      assert.deepEqual(dependencies, event.dependencies)
      // Where the key is None, the model wrote "None" and json.dumps writes "null".
      const written = JSON.stringify(event.config).replace('"None"', '"null"')
      if (id === 'weather-1' || id === 'limits-1') assert.deepEqual(config, JSON.parse(written))
    }
  })

  it('leaves a value empty that neither the column nor an event holds', async () => {
    const path = file('pruned.db', `${pythonRegistry}; DELETE FROM registry_events WHERE agent_id = 'clock-1'`)

    const { agents, report } = await readLegacyAgents(path)

    const clock = agents.find(({ id }) => id === 'clock-1')
    assert.deepEqual([clock?.config, clock?.labels, clock?.timeout_threshold], [{}, { env: 'prod' }, undefined])
    assert.deepEqual(report.fields.get('config'), { json: 1, python: 2, event: 1, unreadable: 1 })
    assert.ok(
      report.problems.some(({ agent_id: id, problem }) => id === 'clock-1' && /literal.*; left empty$/.test(problem)),
    )
    assert.ok(report.notes.some((note) => note.includes('next registration adds them')))
  })

  it('reads the events of the Go registry, which hold JSON as text', async () => {
    const event = JSON.stringify({ id: 'file-1', labels: '{"env":"event"}', config: '{"a":1}' })
    const sql = `${original}
      ALTER TABLE registry_events ADD COLUMN data TEXT;
      UPDATE agents SET labels = 'damaged', config = '' WHERE id = 'file-1';
      INSERT INTO registry_events (id, event_type, agent_id, data) VALUES (3, 'MODIFIED', 'file-1', '${event}');
      INSERT INTO registry_events (id, event_type, agent_id, data) VALUES (4, 'DELETED', 'file-1', '{}');`

    const { agents } = await readLegacyAgents(file('go.db', sql))

    assert.deepEqual([agents[0]?.labels, agents[0]?.config], [{ env: 'event' }, {}])
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

  it('reads Python literals of a PostgreSQL database', { skip: postgresMissing() }, async () => {
    await using server = await startPostgres()
    const url = await server.create()
    await query(url, pythonRegistry.replaceAll('INTEGER PRIMARY KEY AUTOINCREMENT', 'SERIAL PRIMARY KEY'))

    await showsThePythonAgents(url)
  })
})
