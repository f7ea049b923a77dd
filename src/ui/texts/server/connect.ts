/** Texts of how a client is connected to one server. */
export const connectTexts = {
  title: 'Connect',
  clients: 'Client',
  put: 'Put this into',
  run: 'Run this:',
  address: 'Its address:',
  program: 'In a program:',
  install: (client: string) => `Install in ${client}`,
  disabled: 'A disabled server is not given to clients.',
  notGiven: 'The daemon gives this server to no client: it has no address that one could use.',
  placeholders: (client: string) => `Replace each \${…} with its value: ${client} does not fill it in.`,
  variables: 'Set the variables named in ${…} before you start the client.',
  codexVariables: 'Set the variables that env_http_headers names before you start Codex.',
  stdio: 'The client starts this command on its own machine.',
  remote:
    'Claude Desktop starts commands only; mcp-remote connects it to a URL. Or add the URL under Settings, Connectors.',
  noUrl: 'Clients start this server as a command; it has no address.',
} as const
