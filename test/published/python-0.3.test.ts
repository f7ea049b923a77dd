import { livesInTheMesh } from './life.ts'

livesInTheMesh('Python runtime 0.3.0, of mid-2025', {
  runtime: '0.3.0',
  provider: { script: 'provider' },
  consumer: { script: 'consumer' },
})
