/**
 * `node:http`, loaded without an import: an import reads every export, and one of them loads all of `fetch` (14 MB and 10 ms
 * of a start).
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')
