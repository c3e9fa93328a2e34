import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run, runWell } from '../house/children.ts'
import { readPackageNames, root } from '../house/sources.ts'
import { exampleNames } from '../support/examples.ts'
import { copyExample, startCopy } from './copied.ts'
import { install, isRegistryReachable, type Packed, packAll, readInstalled } from './packed.ts'

const scratch = mkdtempSync(join(tmpdir(), 'packaging-'))
const tools = join(root, 'test/node_modules/.bin')
let packed: readonly Packed[] = []

const canInstall = process.env['CI'] === 'true' || (await isRegistryReachable())

beforeAll(async () => {
  if (canInstall) packed = await packAll(scratch)
})
const reason = "needs npm's registry, which does not answer"
if (!canInstall) process.stderr.write(`test/packaging is skipped: it ${reason}\n`)
beforeEach(({ skip }) => skip(!canInstall, reason))
afterAll(() => rmSync(scratch, { recursive: true }))

function find(folder: string): Packed {
  const found = packed.find((one) => one.folder === folder)
  if (!found) throw new Error(`packages/${folder} was not packed`)
  return found
}

describe.each(readPackageNames())('packages/%s', (folder) => {
  test('holds what runs, its sources, README, LICENSE and manifest, and nothing else', () => {
    const { files } = find(folder)
    const manifest = readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')
    const { exports, bin = {} } = JSON.parse(manifest)
    const programs = Object.values(bin).map((path) => String(path).replace(/^\.\//, ''))
    const rest = files.filter((path) => !/^(?:dist|src)\//.test(path))
    const expected = ['LICENSE', 'README.md', 'package.json', ...programs]
    expect([...rest].sort()).toEqual(expected.sort())
    expect(files.filter((path) => /\.test\.|\.tsbuildinfo$|node_modules/.test(path))).toEqual([])
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === 'object' && target !== null ? Object.values(target) : [target],
    )
    expect(targets.length).toBeGreaterThan(3)
    for (const target of targets) expect(files).toContain(String(target).replace(/^\.\//, ''))
  })

  test('holds no build of a source that is gone', () => {
    const { files } = find(folder)
    const builds = files.filter((path) => /^dist\/.*\.js$/.test(path))
    const expected = builds.map((path) => path.replace(/^dist/, 'src').replace(/\.js$/, '.ts'))
    const stale = expected.filter((path) => !files.includes(path))
    expect(stale, 'run "npm run clean" and build again').toEqual([])
  })

  test('says which Node it needs, and names no workspace', async () => {
    const { tarball } = find(folder)
    const text = await runWell(['tar', '-xzOf', tarball, 'package/package.json'], { cwd: scratch })
    const manifest = JSON.parse(text)
    expect(manifest.engines).toEqual({ node: '>=20.19' })
    expect(manifest.license).toBe('MIT')
    expect(manifest.scripts).toBeUndefined()
    expect(text).not.toMatch(/"(?:workspace|catalog|link|file):/)
  })

  test('pleases publint', async () => {
    const bytes = readFileSync(find(folder).tarball)
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that resolve as its code does', async () => {
    const { tarball } = find(folder)
    const program = [join(tools, 'attw'), '--profile', 'esm-only', '--no-color', tarball]
    const { status, stdout, stderr } = await run(program, { cwd: scratch })
    expect(status, stdout + stderr).toBe(0)
  })
})

describe('a project that installs the packages', () => {
  const project = join(scratch, 'project')
  const visited = [
    '200 signed in: false',
    '401 application/problem+json',
    '1 alg crv kid kty use x y',
    'done\n',
  ].join('\n')

  beforeAll(async () => {
    if (!canInstall) return
    const names = packed.map(({ name }) => name)
    const frameworks = ['express', '@types/express', 'koa', '@types/koa', 'fastify']
    await install(project, packed, [...names, ...frameworks, '@types/node@20'])
    cpSync(join(root, 'test/packaging/consumers'), project, { recursive: true })
  })

  test.each([
    'esm/app.js',
    'esm/koa.js',
    'esm/fastify.js',
    'cjs/app.js',
    'cjs/koa.js',
    'cjs/fastify.js',
  ])('runs as JavaScript: %s', async (consumer) => {
    const cwd = join(project, dirname(consumer))
    const outcome = await run([process.execPath, basename(consumer)], { cwd })
    expect({ ...outcome, stderr: withoutNode(outcome.stderr) }).toEqual({
      status: 0,
      stdout: visited,
      stderr: '',
    })
  })

  test('is told which package of a vendor a key store needs', async () => {
    const program = [process.execPath, 'key-stores.js']
    const { status, stdout } = await run(program, { cwd: join(project, 'esm') })
    expect(status).toBe(0)
    const needed = [
      ['@aws-sdk/client-kms'],
      ['@google-cloud/kms'],
      ['@azure/keyvault-keys', '@azure/identity'],
      ['pkcs11js'],
    ]
    const lines = needed.map(
      ([name, ...others]) =>
        `the package "${name}" is not installed: npm install ${[name, ...others].join(' ')}`,
    )
    expect(stdout.match(/(?<=key.reload_failed ERR_KEY_UNAVAILABLE ).*/g)).toEqual(lines)
    expect(stdout.match(/^\d+$/gm)).toEqual(['503', '503', '503', '503'])
  })

  test.each([
    'ts-nodenext/tsconfig.json',
    'ts-nodenext/tsconfig.koa.json',
    'ts-bundler/tsconfig.json',
    'ts-bundler/tsconfig.koa.json',
  ])('compiles as TypeScript: %s', async (consumer) => {
    const program = [join(root, 'node_modules/.bin/tsc'), '--project', join(project, consumer)]
    const { status, stdout, stderr } = await run(program, { cwd: project })
    expect(status, stdout + stderr).toBe(0)
  })
})

/** Leaves out what Node itself says about `require()` of an ES module. */
function withoutNode(stderr: string): string {
  const lines = stderr.split('\n')
  return lines.filter((line) => !/ExperimentalWarning|--trace-warnings/.test(line)).join('\n')
}

describe.each(exampleNames)('examples/%s, copied out of the repository', (name) => {
  const cwd = join(scratch, `example-${name}`)

  beforeAll(async () => {
    if (canInstall) await copyExample(name, cwd, packed)
  })

  test('imports nothing from outside its folder', () => {
    const sources = readdirSync(join(root, 'examples', name)).filter((file) => /js$/.test(file))
    expect(sources).toEqual(['look.js', 'pages.js', 'server.js', 'store.js'])
    for (const file of sources) {
      expect(readFileSync(join(cwd, file), 'utf8'), file).not.toMatch(/['"]\.\.\//)
    }
  })

  test('installs what its package.json asks for', async () => {
    const list = await run(['npm', 'ls', `@countersign/${name}`, '@countersign/core'], { cwd })
    expect(list.status, list.stdout + list.stderr).toBe(0)
  })

  test('serves its public page while the provider is away, and ends with 0', async () => {
    const app = await startCopy(cwd)
    const response = await fetch(`${app.url}/`)
    const page = await response.text()
    const ending = await app.stop()
    expect(response.status).toBe(200)
    expect(page).toContain('<h1>Sign in, countersigned.</h1>')
    expect(page).toContain(`<code>@countersign/${name}</code>`)
    expect(ending).toEqual({ code: 0, stderr: '' })
  })
})

describe.each(exampleNames)('@countersign/%s', (framework) => {
  test('adds at most 12 packages and 4.5 MB to an app', async () => {
    const bare = join(scratch, `bare-${framework}`)
    const app = join(scratch, `app-${framework}`)
    await install(bare, [], [framework])
    await install(app, packed, [framework, `@countersign/${framework}`])
    const before = readInstalled(bare)
    const added = readInstalled(app).filter((path) => !before.includes(path))
    expect(added).toContain('node_modules/@countersign/core')
    expect(added.length, added.join('\n')).toBeLessThanOrEqual(12)
    const size = measure(join(app, 'node_modules')) - measure(join(bare, 'node_modules'))
    expect(size).toBeLessThan(4_500_000)
  })
})

test('a project without the package of key stores is told to install it', async () => {
  const cwd = join(scratch, 'without-key-stores')
  await install(cwd, packed, ['@countersign/core'])
  cpSync(join(root, 'test/packaging/consumers/esm'), cwd, { recursive: true })
  const { stdout } = await run([process.execPath, 'key-stores.js'], { cwd })
  expect(stdout).toContain(
    'key.reload_failed ERR_KEY_UNAVAILABLE "awskms:" keys need the package "@countersign/kms": ' +
      'npm install @countersign/kms',
  )
})

/** The bytes of all files below a folder. */
function measure(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sum + measure(path)
    return sum + (entry.isFile() ? statSync(path).size : 0)
  }, 0)
}
