import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run, runWell } from './house/children.ts'
import { readPackageNames, root } from './house/sources.ts'

const cwd = join(root, 'test')
const scratch = mkdtempSync(join(tmpdir(), 'exports-'))
afterAll(() => rmSync(scratch, { recursive: true }))

interface Entry {
  readonly name: string
  readonly source: string
  readonly types: string
  readonly built: string
}

const entries = readPackageNames().flatMap(readEntries)

function readEntries(folder: string): readonly Entry[] {
  const path = join(root, 'packages', folder)
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  return Object.entries<Record<string, string>>(manifest.exports)
    .filter(([subpath]) => subpath !== './package.json')
    .map(([subpath, targets]) => ({
      name: manifest.name + subpath.slice(1),
      source: join(path, targets['@countersign/source'] ?? ''),
      types: join(path, targets['types'] ?? ''),
      built: join(path, targets['default'] ?? ''),
    }))
}

async function evaluate(code: string, ...flags: readonly string[]): Promise<unknown> {
  const program = [process.execPath, ...flags, '--input-type=module', '--eval', code]
  return JSON.parse(await runWell(program, { cwd }))
}

describe.each(entries)('$name', ({ name, source, types, built }) => {
  test('leads to a source and, after a build, to its code and its types', async () => {
    expect(existsSync(source)).toBe(true)
    expect(existsSync(built), `${built}: run "pnpm run build" first`).toBe(true)
    expect(existsSync(types)).toBe(true)
    const code = `console.log(JSON.stringify(import.meta.resolve(${JSON.stringify(name)})))`
    expect(await evaluate(code)).toBe(`file://${built}`)
    expect(await evaluate(code, '--conditions=@countersign/source')).toBe(`file://${source}`)
  })

  test('has the same names for import(), for require() and in its source', async () => {
    const names = await evaluate(`
      import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url.startsWith('file:') ? import.meta.url : process.cwd() + '/x.js')
      const list = (module) => Object.keys(module).filter((name) => !['__esModule', 'module.exports'].includes(name)).sort()
      const name = ${JSON.stringify(name)}
      console.log(JSON.stringify([list(await import(name)), list(require(name))]))
    `)
    const sources = Object.keys(await import(/* @vite-ignore */ name)).sort()
    expect(names).toEqual([sources, sources])
  })
})

describe('importing @countersign/express', () => {
  const loaded = join(scratch, 'loaded.txt')
  const hooks = `
    import { appendFileSync } from 'node:fs'
    export function load(url, context, next) {
      appendFileSync(${JSON.stringify(loaded)}, url + '\\n')
      return next(url, context)
    }`
  const register = `
    import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))`

  test('prints nothing', async () => {
    const code = "await import('@countersign/express')"
    const program = [process.execPath, '--input-type=module', '--eval', code]
    expect(await run(program, { cwd })).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  test('loads each package once, and nothing that it does not need', async () => {
    const registration = `data:text/javascript,${encodeURIComponent(register)}`
    const code = "await import('@countersign/express')"
    await runWell(
      [process.execPath, '--import', registration, '--input-type=module', '--eval', code],
      { cwd },
    )
    const urls = readFileSync(loaded, 'utf8').trim().split('\n')
    const packages = urls.flatMap(
      (url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [],
    )
    const copies = urls.flatMap(
      (url) => /.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(url)?.[0] ?? [],
    )
    expect([...new Set(packages)].sort()).toEqual([
      'cookie',
      'jose',
      'oauth4webapi',
      'openid-client',
      'valibot',
    ])
    expect(new Set(copies).size).toBe(new Set(packages).size)
    expect(new Set(urls).size).toBe(urls.length)
  })
})
