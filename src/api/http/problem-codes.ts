/** One kind of problem: its HTTP status, its title, and what the client does about it. */
type ProblemKind = { readonly status: number; readonly title: string; readonly remedy: string }

/**
 * Every problem that the API answers, by its stable code. A code keeps its meaning and its status; further ones may come.
 * The reference page and the OpenAPI document are generated from this list.
 */
export const problemKinds = {
  malformed_request: {
    status: 400,
    title: 'Malformed HTTP request',
    remedy: 'Send well-formed HTTP/1.1; a proxy in between may have altered the request.',
  },
  invalid_host: {
    status: 400,
    title: 'Invalid Host header',
    remedy: 'Send exactly one `Host` header that holds a host name.',
  },
  invalid_target: {
    status: 400,
    title: 'Invalid request target',
    remedy: 'Send a path that begins with a slash, without dot segments, backslashes or fragments.',
  },
  too_many_parameters: {
    status: 400,
    title: 'Too many query parameters',
    remedy: 'Send fewer parameters, or raise `limits.max_parameters`.',
  },
  invalid_parameter: {
    status: 400,
    title: 'Invalid query parameter',
    remedy: 'Correct the parameter that `parameter` names.',
  },
  body_incomplete: {
    status: 400,
    title: 'Incomplete body',
    remedy: 'Send the whole body; the connection ended before it.',
  },
  body_empty: { status: 400, title: 'Empty body', remedy: 'Send JSON.' },
  body_not_utf8: { status: 400, title: 'Body is not UTF-8', remedy: 'Encode the body as UTF-8.' },
  body_not_json: {
    status: 400,
    title: 'Body is not JSON',
    remedy: 'Correct the JSON; `detail` names the character where parsing stopped.',
  },
  body_not_object: { status: 400, title: 'Body is not a JSON object', remedy: 'Send a JSON object.' },
  body_too_deep: { status: 400, title: 'Body nested too deep', remedy: 'Send JSON with fewer levels.' },
  call_target_invalid: {
    status: 400,
    title: 'Invalid call target',
    remedy:
      'Send `/proxy/{host}:{port}/mcp` with the host and port of a registered endpoint, or the path that `detail` names.',
  },
  invalid_definition: {
    status: 400,
    title: 'Invalid server definition',
    remedy: 'Correct the fields that `errors` names.',
  },
  invalid_document: {
    status: 400,
    title: 'Invalid document',
    remedy: 'Send a list of servers as JSON or YAML, as clients or the config of this registry write it.',
  },
  invalid_override: {
    status: 400,
    title: 'Invalid override',
    remedy: 'Send `{ "enabled": true }` or `{ "enabled": false }`.',
  },
  invalid_import: {
    status: 400,
    title: 'Invalid import',
    remedy: 'Send `{ "document": "…" }`, with `servers` for some of its servers only.',
  },
  mcp_message_rejected: {
    status: 400,
    title: 'MCP message rejected',
    remedy: 'Send a smaller batch, a shorter id or fewer subscriptions, as `detail` says.',
  },
  invalid_registration: {
    status: 400,
    title: 'Invalid agent registration',
    remedy: 'Correct the field that `field` names.',
  },
  authentication_required: {
    status: 401,
    title: 'Authentication required',
    remedy: 'Send `Authorization: Bearer TOKEN`, or the token as the password of the URL.',
  },
  token_invalid: {
    status: 401,
    title: 'Invalid token',
    remedy: 'Send a token of this registry, or none where anonymous reading is allowed.',
  },
  role_required: {
    status: 403,
    title: 'Role required',
    remedy: 'Send a token with the role that `role_needed` names.',
  },
  right_required: {
    status: 403,
    title: 'Right required',
    remedy: 'Send a token with the right that `right_needed` names.',
  },
  namespace_forbidden: {
    status: 403,
    title: 'Namespace forbidden',
    remedy: 'Send a token whose `namespaces` include this one.',
  },
  agent_not_owned: {
    status: 403,
    title: 'Agent registered with another token',
    remedy: 'Send the token that registered the agent, or one with the role `admin`.',
  },
  origin_forbidden: {
    status: 403,
    title: 'Origin forbidden',
    remedy:
      'Add the origin of the page to `cors.origins`. For the dashboard behind a reverse proxy: let the proxy keep `Host`, or set `X-Forwarded-Host`, and set `listen.trusted_proxies` and `listen.hosts`.',
  },
  source_disabled: {
    status: 403,
    title: 'Source disabled',
    remedy: 'Enable the source that `detail` names in the config.',
  },
  stdio_forbidden: {
    status: 403,
    title: 'Commands forbidden',
    remedy: 'Set `allow_stdio: true` on the source that `source` names.',
  },
  calls_disabled: { status: 403, title: 'Calls disabled', remedy: 'Set `calls.enabled: true`.' },
  call_address_forbidden: {
    status: 403,
    title: 'Call address forbidden',
    remedy: 'Add the network of the agent to `calls.allow`.',
  },
  route_not_found: { status: 404, title: 'Route not found', remedy: 'See `GET /` for the routes.' },
  server_not_found: { status: 404, title: 'Server not found', remedy: 'See `GET /servers` for the servers.' },
  override_not_found: {
    status: 404,
    title: 'No override',
    remedy: 'See `GET /overrides` for the servers that have one.',
  },
  provider_not_found: {
    status: 404,
    title: 'No server matches',
    remedy: 'Correct the filters, or define such a server; see `GET /servers` with the same filters.',
  },
  discovery_not_found: {
    status: 404,
    title: 'No discover result',
    remedy:
      'Connect without prior knowledge. Results are kept while fresh, of servers that speak revision 2026-07-28, call them public and are probed without credentials.',
  },
  server_version_not_found: {
    status: 404,
    title: 'Server version not found',
    remedy: 'See `GET /v0.1/servers/{name}/versions` for the versions.',
  },
  agent_not_found: {
    status: 404,
    title: 'Agent not found',
    remedy: 'Register the agent again; see `GET /agents` for the agents.',
  },
  agents_not_accepted: {
    status: 404,
    title: 'Agents not accepted',
    remedy: 'Add a source of type `agents` to the config.',
  },
  call_target_not_found: {
    status: 404,
    title: 'Call target not registered',
    remedy: 'Send the host and port of an `endpoint` at `GET /agents`.',
  },
  source_not_found: { status: 404, title: 'Source not found', remedy: 'See `GET /sources` for the sources.' },
  schema_not_found: {
    status: 404,
    title: 'Schema not found',
    remedy: 'See `GET /schemas` for the schemas of the registered tools.',
  },
  tool_not_found: {
    status: 404,
    title: 'Tool not found',
    remedy: 'Call one of the tools that `detail` names, or that `capabilities` of the server lists.',
  },
  events_disabled: { status: 404, title: 'Events disabled', remedy: 'Set `events.enabled: true`.' },
  dashboard_disabled: { status: 404, title: 'Dashboard disabled', remedy: 'Set `ui.enabled: true`.' },
  metrics_disabled: { status: 404, title: 'Metrics disabled', remedy: 'Set `metrics.enabled: true`.' },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    remedy: 'Use one of the methods that the `Allow` header names.',
  },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    remedy: 'Send the request faster, or raise `limits.header_timeout` and `limits.request_timeout`.',
  },
  resource_version_stale: {
    status: 409,
    title: 'Stale resource version',
    remedy: 'Read the resource again and repeat the change on it; `current` holds it.',
  },
  server_exists: {
    status: 409,
    title: 'Server exists',
    remedy: 'Choose another name, or replace the server with `PUT`.',
  },
  server_owned_by_source: {
    status: 409,
    title: 'Server owned by a source',
    remedy: 'Change the server in the source that `source` names.',
  },
  agent_held: {
    status: 409,
    title: 'Agent held by another instance',
    remedy: 'Stop the other instance, or send `"takeover": true`.',
  },
  agent_expired: { status: 410, title: 'Agent expired', remedy: 'Register the agent again.' },
  index_expired: {
    status: 410,
    title: 'Index expired',
    remedy: 'List again and poll from the new `resource_version`.',
  },
  body_fragmented: {
    status: 413,
    title: 'Body in too many pieces',
    remedy: 'Send the body in fewer, larger chunks; a buffer in front of the connection does.',
  },
  body_too_large: {
    status: 413,
    title: 'Body too large',
    remedy: 'Send a shorter body, or raise `limits.max_body_bytes` or `calls.max_request_bytes` where they apply.',
  },
  results_too_large: {
    status: 413,
    title: 'Results too large',
    remedy: 'Send fewer queries in one request, or pages with `limit`.',
  },
  chunk_extensions_too_large: {
    status: 413,
    title: 'Chunk extensions too large',
    remedy: 'Send chunks without extensions.',
  },
  target_too_long: {
    status: 414,
    title: 'Request target too long',
    remedy: 'Send a shorter path and query, or raise `limits.max_url_length`.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    remedy: 'Send the `Content-Type` that `detail` names.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    remedy: 'Send no `Expect` header, or `100-continue`.',
  },
  host_forbidden: { status: 421, title: 'Host forbidden', remedy: 'Add the host name to `listen.hosts`.' },
  config_invalid: {
    status: 422,
    title: 'Invalid config',
    remedy: 'Correct the config as `detail` says; the config in force stays.',
  },
  rate_limited: {
    status: 429,
    title: 'Rate limit exceeded',
    remedy: 'Retry after the seconds of `Retry-After`, or raise `limits.rate`.',
  },
  override_limit_reached: {
    status: 429,
    title: 'Override limit reached',
    remedy: 'Remove overrides; see `GET /overrides`.',
  },
  agent_limit_reached: {
    status: 429,
    title: 'Agent limit reached',
    remedy: 'Unregister agents, or raise the limit that `detail` names.',
  },
  probe_limit_reached: {
    status: 429,
    title: 'Probe limit reached',
    remedy: 'Retry after the seconds of `Retry-After`.',
  },
  address_watcher_limit_reached: {
    status: 429,
    title: 'Watcher limit of the address reached',
    remedy:
      'Close watches of this address, or raise `watch.max_watchers_per_address`; behind a reverse proxy, set `listen.trusted_proxies`.',
  },
  token_watcher_limit_reached: {
    status: 429,
    title: 'Watcher limit of the token reached',
    remedy: 'Close watches of this token, or raise `watch.max_watchers_per_token`.',
  },
  token_call_limit_reached: {
    status: 429,
    title: 'Call limit of the token reached',
    remedy: 'Retry after the seconds of `Retry-After`, or raise `calls.max_concurrent_per_token`.',
  },
  header_too_large: {
    status: 431,
    title: 'Request header too large',
    remedy: 'Send a shorter header, or raise `limits.max_header_bytes`.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    remedy: 'Find the cause in the log of the daemon by `request_id`.',
  },
  jobs_not_served: {
    status: 501,
    title: 'Jobs not served',
    remedy: 'Call the tool directly instead of submitting a job; this registry keeps no jobs.',
  },
  source_read_failed: {
    status: 502,
    title: 'Source read failed',
    remedy: 'Remove the cause that `detail` names; the last good servers stay.',
  },
  call_failed: {
    status: 502,
    title: 'Call failed',
    remedy: 'Remove the cause that `detail` names, at the agent or on the way to it.',
  },
  call_response_too_large: {
    status: 502,
    title: 'Response to the call too large',
    remedy: 'Ask for less, or raise `calls.max_response_bytes`.',
  },
  call_response_too_deep: {
    status: 502,
    title: 'Response to the call nested too deep',
    remedy: 'Ask for less, or let the tool answer with fewer levels of JSON.',
  },
  not_ready: {
    status: 503,
    title: 'Not ready',
    remedy: 'Retry after the seconds of `Retry-After`; sources or registrations are still being read.',
  },
  provider_unavailable: {
    status: 503,
    title: 'No matching server is healthy',
    remedy:
      'Retry after the seconds of `Retry-After`; `statuses` and `disabled` count the servers that match. `health.reason` at `GET /servers` says why one is not healthy.',
  },
  store_unavailable: {
    status: 503,
    title: 'Store unavailable',
    remedy: 'Retry after the seconds of `Retry-After`; nothing was changed.',
  },
  server_pending: {
    status: 503,
    title: 'Server pending',
    remedy: 'Read the server again after the seconds of `Retry-After`; it is stored.',
  },
  watcher_limit_reached: {
    status: 503,
    title: 'Watcher limit reached',
    remedy: 'Retry after the seconds of `Retry-After`, or raise `watch.max_watchers`.',
  },
  call_target_unavailable: {
    status: 503,
    title: 'Call target unavailable',
    remedy: 'Retry once the agent is healthy or degraded, or call another provider.',
  },
  call_limit_reached: {
    status: 503,
    title: 'Call limit reached',
    remedy: 'Retry after the seconds of `Retry-After`, or raise `calls.max_concurrent`.',
  },
  bodies_exceeded: {
    status: 503,
    title: 'Bodies in flight too large',
    remedy:
      'Retry after the seconds of `Retry-After`; the largest bodies are rejected while all together are too large.',
  },
  responses_exceeded: {
    status: 503,
    title: 'Unread responses too large',
    remedy:
      'Retry after the seconds of `Retry-After`; clients that stopped reading are cut while all responses together are too large.',
  },
  dashboard_not_built: {
    status: 503,
    title: 'Dashboard not built',
    remedy: 'Run `npm run build:ui` in the checkout; the API works without it.',
  },
  shutting_down: {
    status: 503,
    title: 'Shutting down',
    remedy: 'Retry after the seconds of `Retry-After`, at another replica if there is one.',
  },
  call_timeout: {
    status: 504,
    title: 'Call timed out',
    remedy: 'Send a larger `X-Mesh-Timeout`, or raise `calls.timeout` and `calls.max_timeout`.',
  },
} as const satisfies Readonly<Record<string, ProblemKind>>

export type ProblemCode = keyof typeof problemKinds
