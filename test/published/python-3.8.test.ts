import { livesInTheMesh } from './life.ts'

livesInTheMesh('Python runtime 3.8.0', {
  runtime: '3.8.0',
  provider: { script: 'provider' },
  consumer: { script: 'consumer' },
})
