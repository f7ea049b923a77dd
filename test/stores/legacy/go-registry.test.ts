import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { importAgents } from '../../../src/registrations/agent-import.ts'
import { parseGoAgents } from '../../../src/stores/legacy/go-registry.ts'
import { readLegacyAgents } from '../../../src/stores/legacy/legacy-import.ts'
import { openMemory } from '../../../src/stores/memory.ts'

/** Tables of the registry in Go as version 3.8 makes them, with the rows that two agents wrote; it stores JSON as bytes. */
const goRegistry = `
  CREATE TABLE agents (agent_id text NOT NULL PRIMARY KEY, agent_type text NOT NULL DEFAULT ('mcp_agent'),
    runtime text NULL DEFAULT ('python'), name text NOT NULL, version text NULL, description text NULL DEFAULT (''),
    a2a_producer bool NULL DEFAULT (false), a2a_consumer bool NULL DEFAULT (false), http_host text NULL, http_port integer NULL,
    namespace text NOT NULL DEFAULT ('default'), status text NOT NULL DEFAULT ('healthy'),
    total_dependencies integer NOT NULL DEFAULT (0), dependencies_resolved integer NOT NULL DEFAULT (0),
    created_at datetime NOT NULL, updated_at datetime NOT NULL, last_full_refresh datetime NOT NULL, entity_id text NULL,
    a2a_surfaces json NULL);
  CREATE TABLE capabilities (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, function_name text NOT NULL, capability text NOT NULL,
    version text NOT NULL DEFAULT ('1.0.0'), description text NULL, input_schema json NULL, input_schema_hash text NULL,
    output_schema_hash text NULL, schema_warnings json NULL, llm_filter json NULL, llm_provider json NULL, tags json NOT NULL,
    kwargs json NULL, dependencies json NULL, created_at datetime NOT NULL, updated_at datetime NOT NULL,
    agent_capabilities text NOT NULL);
  CREATE TABLE schema_entries (id integer NOT NULL PRIMARY KEY, hash text NOT NULL, canonical json NOT NULL);
  CREATE TABLE registry_events (id integer NOT NULL PRIMARY KEY, event_type text NOT NULL, agent_events text NOT NULL, data json NOT NULL);
  CREATE TABLE jobs (job_id text NOT NULL PRIMARY KEY);
  INSERT INTO agents (agent_id, runtime, name, version, http_host, http_port, created_at, updated_at, last_full_refresh)
    VALUES ('greeter-1', 'typescript', 'greeter', '1.0.0', '10.0.0.7', 8080, '2026-01-02 15:15:58.042542384+00:00',
      '2026-01-02 15:16:33.09656013+00:00', '2026-01-02 15:16:28.085724266+00:00');
  INSERT INTO agents (agent_id, name, version, http_host, http_port, created_at, updated_at, last_full_refresh)
    VALUES ('asker-1', 'asker', '', '', 0, '2026-01-02 15:15:58+00:00', '2026-01-02 15:16:33+00:00', '2026-01-02 15:16:28+00:00');
  INSERT INTO capabilities (function_name, capability, version, description, input_schema, input_schema_hash, output_schema_hash,
      tags, kwargs, created_at, updated_at, agent_capabilities)
    VALUES ('greet', 'greeting', '1.2.0', 'Says hello', CAST('{"type":"object"}' AS BLOB), 'sha256:aa', 'sha256:missing',
      CAST('["en","fast"]' AS BLOB), CAST('{"timeout":30}' AS BLOB), '2026-01-02', '2026-01-02', 'greeter-1');
  INSERT INTO capabilities (function_name, capability, tags, created_at, updated_at, agent_capabilities)
    VALUES ('__mesh_job_status', '__mesh_job_status', CAST('["framework"]' AS BLOB), '2026-01-02', '2026-01-02', 'greeter-1');
  INSERT INTO capabilities (function_name, capability, tags, dependencies, created_at, updated_at, agent_capabilities)
    VALUES ('ask', 'asking', CAST('[]' AS BLOB), CAST('[{"capability":"greeting","tags":["en",["fast","+cheap"]],"version":">=1.0"}]' AS BLOB),
      '2026-01-02', '2026-01-02', 'asker-1');
  INSERT INTO schema_entries VALUES (1, 'sha256:aa', CAST('{"type":"object"}' AS BLOB));
  INSERT INTO registry_events VALUES (1, 'register', 'greeter-1', '{}');
  INSERT INTO jobs VALUES ('job-1');`

describe('importing a registry in Go', () => {
  const folder = mkdtempSync(join(tmpdir(), 'roster-'))
  after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'go.db')
  const database = new DatabaseSync(path)
  database.exec(goRegistry)
  database.close()

  it('reads its agents with their functions, dependencies and schemas', async () => {
    const { agents, report } = await readLegacyAgents(path)

    const [greeter, asker] = agents
    assert.deepEqual(
      [greeter?.id, greeter?.runtime, greeter?.http_host, greeter?.http_port, greeter?.created_at],
      ['greeter-1', 'typescript', '10.0.0.7', 8080, '2026-01-02T15:15:58.042Z'],
    )
    assert.deepEqual(greeter?.tools?.[0], {
      function_name: 'greet',
      capability: 'greeting',
      version: '1.2.0',
      description: 'Says hello',
      input_schema: { type: 'object' },
      tags: ['en', 'fast'],
      kwargs: { timeout: 30 },
      input_schema_hash: 'sha256:aa',
      input_schema_canonical: { type: 'object' },
    })
    assert.deepEqual(asker?.tools?.[0]?.['dependencies'], [
      { capability: 'greeting', tags: ['en', ['fast', '+cheap']], version: '>=1.0' },
    ])
    assert.deepEqual([report.agents, report.capabilities, report.problems], [2, 3, []])
    assert.deepEqual(report.not_imported, { registry_events: 1, jobs: 1 })
  })

  it('imports them as their next heartbeat registers them', async () => {
    await using store = openMemory({ log: silent })
    const { agents } = await readLegacyAgents(path)

    const result = await importAgents(store, agents, { timeout: 60, eviction: 120 })

    assert.deepEqual(result, { imported: 2, existing: [], skipped: [] })
    const { registrations } = await store.load()
    const stored = registrations.map(({ definition }) => JSON.parse(definition) as Stored)
    assert.deepEqual(
      stored.map(({ definition, facts }) => [
        definition.name,
        facts.endpoint,
        definition.capabilities.map(({ name }) => name),
        definition.dependencies,
        facts.tools.length,
      ]),
      [
        ['greeter-1', 'http://10.0.0.7:8080', ['greeting'], [], 2],
        ['asker-1', 'stdio://asker-1', ['asking'], ['greeting'], 1],
      ],
    )
  })

  it('reads JSON columns of PostgreSQL, and reports what is no JSON', () => {
    const tool = {
      function_name: 'greet',
      capability: 'greeting',
      tags: ['en'],
      kwargs: 'damaged',
      agent_capabilities: 'a',
    }
    const { agents, report } = parseGoAgents({
      agents: [{ agent_id: 'a', name: 'a', a2a_producer: true, a2a_surfaces: [{ path: '/x', skill_id: 'x' }] }],
      capabilities: [tool],
      events: [],
      schemas: [],
      counts: {},
    })

    assert.deepEqual([agents[0]?.a2a_producer, agents[0]?.surfaces], [true, [{ path: '/x', skill_id: 'x' }]])
    assert.deepEqual([agents[0]?.tools?.[0]?.['tags'], agents[0]?.tools?.[0]?.['kwargs']], [['en'], undefined])
    assert.deepEqual(
      report.problems.map(({ field }) => field),
      ['tools.greet.kwargs'],
    )
  })
})

type Stored = {
  definition: { name: string; capabilities: { name: string }[]; dependencies: string[] }
  facts: { endpoint: string; tools: object[] }
}
