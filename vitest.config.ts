import { availableParallelism } from 'node:os'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

// All packages run from their sources: no build comes first
const conditions = ['@countersign/source']
const sources = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
}

const second = 1000

function project(
  name: string,
  include: string,
  test: TestProjectInlineConfiguration['test'] = {},
): TestProjectInlineConfiguration {
  // No test is of how fast a machine is, or how busy
  const limits = { testTimeout: 30 * second, hookTimeout: 60 * second }
  return { ...sources, test: { name, include: [include], ...limits, ...test } }
}

const report = process.env['TEST_REPORT']

// biome-ignore lint/style/noDefaultExport: Vitest reads the default export
export default defineConfig({
  test: {
    // Much of it is waiting: for processes to start, and for time limits
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      project('unit', 'packages/*/test/**/*.test.ts', {
        setupFiles: ['test/house/network-guard.ts'],
      }),
      project('house', 'test/*.test.ts', { testTimeout: 60 * second }),
      // One after the other in one world: to load the frameworks takes longer than most of the tests
      project('e2e', 'test/e2e/**/*.test.ts', { isolate: false }),
      // Mostly waiting: for stores that hang, and for moments to come
      project('kms', 'test/kms/**/*.test.ts', {
        testTimeout: 60 * second,
        maxWorkers: 4,
        sequence: { groupOrder: 1 },
      }),
      // Replicas of an app, their store and a provider: they need the machine for themselves
      project('cluster', 'test/cluster/**/*.test.ts', {
        testTimeout: 120 * second,
        maxWorkers: 1,
        sequence: { groupOrder: 2 },
      }),
      project('browser', 'test/browser/**/*.test.ts', {
        testTimeout: 60 * second,
      }),
      project('packaging', 'test/packaging/**/*.test.ts', {
        testTimeout: 180 * second,
        hookTimeout: 180 * second,
      }),
    ],
  },
})
