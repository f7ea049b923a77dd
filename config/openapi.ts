/** Writes the OpenAPI document that the daemon serves: `config/openapi.json`. */
import { writeFileSync } from 'node:fs'
import { openApiText } from '../src/api/openapi/document.ts'

writeFileSync('config/openapi.json', await openApiText())
