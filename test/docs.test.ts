import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from './house/children.ts'
import { readPackageNames, readSources, root, type Source } from './house/sources.ts'

const ofPackages = readPackageNames().map((name) => `packages/${name}/README.md`)
const atTheTop = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...ofPackages].map(readDocument)
const guides = readSources('docs', '.md')
const documents: readonly Source[] = [...atTheTop, ...guides]

function readDocument(path: string): Source {
  return { path, source: readFileSync(join(root, path), 'utf8') }
}

/** A code example; `given` comes from a comment before it, which readers do not see. */
interface Example {
  readonly place: string
  readonly language: 'js' | 'ts'
  readonly code: string
}

const fence = /(?:<!-- given\n([\s\S]*?)\n-->\n+)?^```(js|ts)\n([\s\S]*?)^```$/gm

function readExamples({ path, source }: Source): readonly Example[] {
  return [...source.matchAll(fence)].map(([, given = '', language = '', code = ''], index) => ({
    place: `${path}, example ${index + 1}`,
    language: language === 'ts' ? 'ts' : 'js',
    code: `${given}\n${code}\nexport {}\n`,
  }))
}

const artifacts = join(root, 'test/.artifacts')
mkdirSync(artifacts, { recursive: true })
const folder = mkdtempSync(join(artifacts, 'docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const compilerOptions = {
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  isolatedDeclarations: false,
  rewriteRelativeImportExtensions: false,
  allowImportingTsExtensions: true,
  noEmit: true,
  noUnusedLocals: false,
  noUnusedParameters: false,
  noPropertyAccessFromIndexSignature: false,
  allowJs: true,
  checkJs: true,
  // The packages' sources, so that no build comes first
  customConditions: ['@countersign/source'],
}

/** What a reader's environment has. */
const environment = `declare namespace NodeJS {
  interface ProcessEnv {
    readonly SESSION_SECRET: string
    readonly NEW_SECRET: string
    readonly OLD_SECRET: string
  }
}
`

/** Type-checks the examples; answers with what the compiler says. */
async function compile(examples: readonly Example[]): Promise<string> {
  const files = examples.map(({ place, language, code }, index) => {
    const name = `example-${index + 1}.${language}`
    writeFileSync(join(folder, name), `// ${place}\n${code}`)
    return name
  })
  writeFileSync(join(folder, 'environment.d.ts'), environment)
  const tsconfig = {
    extends: relative(folder, join(root, 'tsconfig.base.json')),
    compilerOptions,
    files: ['environment.d.ts', ...files],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, stderr } = await run([process.execPath, tsc, '-p', folder], { cwd: folder })
  return (stdout + stderr).replace(/^example-(\d+)\.[jt]s/gm, (name, number) => {
    return examples[Number(number) - 1]?.place ?? name
  })
}

const link = /\]\(([^)\s]+)\)/g
const heading = /^#{1,6} (.+)$/gm

/** The anchors that a forge makes of a document's headings. */
function readAnchors(source: string): readonly string[] {
  const text = source.replace(/^```[\s\S]*?^```$/gm, '')
  return [...text.matchAll(heading)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}

function findBrokenLinks({ path, source }: Source): readonly string[] {
  const targets = [...source.matchAll(link)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^(?:https?|mailto):/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#')
      const found = file === '' ? join(root, path) : resolve(root, dirname(path), file)
      if (!existsSync(found)) return true
      return anchor !== undefined && !readAnchors(readFileSync(found, 'utf8')).includes(anchor)
    })
    .map((target) => `${path}: ${target}`)
}

describe('the documents', () => {
  test('have examples that compile', async () => {
    const examples = documents.flatMap(readExamples)
    expect(examples.length).toBeGreaterThan(10)
    expect(await compile(examples)).toBe('')
  })

  test('link to what is there', () => {
    expect(documents.flatMap(findBrokenLinks)).toEqual([])
  })

  test('are each named in docs/README.md', () => {
    const index = readDocument('docs/README.md').source
    const others = guides.map(({ path }) => path.slice('docs/'.length))
    expect(others.filter((name) => name !== 'README.md' && !index.includes(`](${name})`))).toEqual(
      [],
    )
  })

  test('have the options as they are', async () => {
    const script = fileURLToPath(new URL('../scripts/generate-options.mjs', import.meta.url))
    expect(await run([process.execPath, script, '--check'], { cwd: root })).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    })
  })

  test('keep README.md under 200 lines', () => {
    expect(readDocument('README.md').source.split('\n').length).toBeLessThan(200)
  })
})
