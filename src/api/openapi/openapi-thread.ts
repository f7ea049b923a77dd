import { parentPort, workerData } from 'node:worker_threads'
import { openApiDocument } from './document.ts'

/** Says the OpenAPI document of the version it is given, as text. */
parentPort?.postMessage(JSON.stringify(await openApiDocument(String(workerData))), [])
