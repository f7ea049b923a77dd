/**
 * `node:http`, without the facade that an import would make of it: that reads every export, one of which brings the whole
 * of `fetch` along (14 MB and 10 ms of a start).
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')
