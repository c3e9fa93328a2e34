// Runs `npm test` on this machine's Node, then the unit and end-to-end tests on Node 24, and those of key
// stores, but for the longest, which wait for time to pass or repeat a login in every way.
// Ends with what failed, and one line: "N passed, N failed".
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import process from 'node:process'

const vitest = 'node_modules/vitest/vitest.mjs'
const folder = mkdtempSync(join(tmpdir(), 'reports-'))

/** Files of which something failed are run once more, alone, when they are no more than these. */
const mostFilesAgain = 3

const runs = [
  {
    node: 'this Node',
    limit: '20m',
    command: ['npm', 'test'],
    vitest: [process.execPath, vitest],
  },
  {
    node: 'Node 24',
    limit: '12m',
    command: [
      ...['npx', '-y', '-p', 'node@24', '--', 'node', vitest, 'run'],
      ...['unit', 'e2e', 'kms'].flatMap((project) => ['--project', project]),
      '--exclude=test/kms/{aws,azure-contract,gcp-contract,outage,rotation,vault}.test.ts',
      '--exclude=test/e2e/{administration,examples-stores,presets,preset-rules}.test.ts',
    ],
    vitest: ['npx', '-y', '-p', 'node@24', '--', 'node', vitest],
  },
]

function run(name, command, limit) {
  const path = join(folder, `${name}.json`)
  const env = { ...process.env, TEST_REPORT: path }
  const stdio = ['ignore', 'inherit', 'inherit']
  // It ends all that was started, and not npm alone
  const { status } = spawnSync('timeout', [limit, ...command], { env, stdio })
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
  return { passed: report?.numPassedTests ?? 0, failures: findFailures(report, status) }
}

/** A run without a report never came to its tests; a file can fail without a test of it. */
function findFailures(report, status) {
  const failures = (report?.testResults ?? []).flatMap(
    ({ name, status, message, assertionResults }) => {
      const file = relative(process.cwd(), name)
      const failed = assertionResults.filter((result) => result.status === 'failed')
      if (status === 'failed' && failed.length === 0) return [{ file, test: '', message }]
      return failed.map(({ fullName, failureMessages }) => ({
        file,
        test: fullName,
        message: failureMessages.join('\n'),
      }))
    },
  )
  if (failures.length === 0 && (status !== 0 || !report?.numPassedTests)) {
    failures.push({
      test: 'the run',
      message: `ended with ${status === 124 ? 'its time limit' : status}`,
    })
  }
  return failures
}

function describe({ node, file = '', test, message = '' }) {
  const lines = message.split('\n').filter((line) => !line.includes('/node_modules/'))
  const title = [node, file, test].filter(Boolean).join(' > ')
  return [title, ...lines.slice(0, 12)].join('\n      ')
}

let passed = 0
const failed = []
const flaky = []
if (process.argv[2] !== '0') failed.push({ test: 'the packages of the system', message: '' })
for (const { node, limit, command, vitest } of runs) {
  if (node !== 'this Node' && !existsSync(vitest.at(-1))) continue
  const first = run(node, command, limit)
  passed += first.passed
  const failures = first.failures.map((failure) => ({ node, ...failure }))
  const files = [...new Set(first.failures.map(({ file }) => file))]
  const again =
    files.length > 0 && files.length <= mostFilesAgain && files.every(Boolean)
      ? run(`${node} again`, [...vitest, 'run', ...files], limit)
      : first
  // What fails among the others and passes alone says something of the test and the load: it is told
  if (again.failures.length > 0) failed.push(...failures)
  else if (again !== first) {
    flaky.push(...failures)
    passed += first.failures.length
  }
}
rmSync(folder, { recursive: true, force: true })

const lines = [
  ...flaky.map((failure) => `flaky, passed alone: ${describe(failure)}`),
  ...failed.map((failure) => `failed: ${describe(failure)}`),
  `${passed} passed, ${failed.length} failed`,
]
process.stdout.write(`${lines.join('\n')}\n`)
process.exitCode = failed.length === 0 ? 0 : 1
