// Only two of undici's files are loaded: its index brings fetch, WebSocket and caches along, twice the memory.
declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici'
}
declare module 'undici/lib/core/connect.js' {
  export { buildConnector as default } from 'undici'
}
