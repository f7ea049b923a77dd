import { livesInTheMesh } from './life.ts'

livesInTheMesh('Rust core 3.8.0 without a language runtime', {
  runtime: '3.8.0',
  provider: { script: 'core', args: ['--dependency', 'null'] },
  consumer: { script: 'core', prints: ['tools for the model: greet', 'model: anthropic think'] },
})
