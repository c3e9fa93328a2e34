/**
 * The rules of the house, as functions over sources: each returns its faults as sentences.
 *
 * @module
 */

import { posix } from 'node:path'
import { findCycles, type Graph } from './cycles.ts'
import { blankComments, blankTexts, readImports, type Source } from './sources.ts'

const core = 'packages/core/src/'

/** The layers of the core, lowest first. What is not listed is of the top layer. */
export const layers: readonly (readonly string[])[] = [
  ['error-texts.ts', 'errors.ts', 'events.ts', 'base/'],
  ['exchange.ts', 'http/', 'keys/'],
  ['jose/'],
  ['provider/', 'client/', 'session/'],
  ['login/', 'tokens/'],
  ['logout/'],
]

const top = layers.length

/**
 * The steps within a layer. A file imports only from lower layers or from its own folder; these are
 * the exceptions, and they go one way.
 */
export const neighbours: readonly (readonly [from: string, to: string])[] = [
  ['errors.ts', 'error-texts.ts'],
  ['events.ts', 'errors.ts'],
  ['events.ts', 'error-texts.ts'],
  ['http/', 'exchange.ts'],
  ['client/', 'provider/'],
  ['login/', 'tokens/'],
]

/**
 * What a package may import besides its own files and Node. With `type ` or `call ` in front: only as
 * `import type`, or only when it is called for (`import()`, `require()`).
 */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  cli: [
    '@countersign/core',
    '@countersign/core/inspection',
    '@countersign/core/keys',
    'type @countersign/testing',
    'call @countersign/testing',
    '@peculiar/asn1-schema',
    '@peculiar/asn1-x509',
    'commander',
    'picocolors',
  ],
  core: ['cookie', 'jose', 'openid-client', 'valibot', 'call https-proxy-agent'],
  express: ['@countersign/core', '@countersign/core/node', 'type express'],
  fastify: ['@countersign/core', '@countersign/core/node', 'type fastify', 'fastify-plugin'],
  kms: [
    '@countersign/core/keys',
    'p-limit',
    'type @aws-sdk/client-kms',
    'call @aws-sdk/client-kms',
    'type @azure/identity',
    'call @azure/identity',
    'type @azure/keyvault-keys',
    'call @azure/keyvault-keys',
    'type @google-cloud/kms',
    'call @google-cloud/kms',
    'type pkcs11js',
    'call pkcs11js',
  ],
  koa: ['@countersign/core', '@countersign/core/node', 'type koa'],
  testing: [
    '@countersign/core',
    '@countersign/core/inspection',
    '@countersign/core/testing',
    'jose',
    'oidc-provider',
    'oidc-provider/lib/helpers/interaction_policy/index.js',
    'oidc-provider/lib/provider.js',
  ],
}

/** The only files that read the environment, each because it is asked to. */
export const environmentReaders: readonly string[] = [
  'packages/core/src/http/development.ts',
  'packages/cli/src/main.ts',
  'packages/core/src/keys/env-key.ts',
  'packages/express/src/index.ts',
  'packages/fastify/src/index.ts',
  'packages/kms/src/pkcs11/pin.ts',
  'packages/kms/src/vault/environment.ts',
  'packages/koa/src/index.ts',
  'packages/testing/src/signed-in.ts',
]

/** The only files that know where a process prints. */
export const printers: readonly string[] = [
  'packages/cli/src/main.ts',
  'packages/testing/src/print-line.ts',
]

/** A file imports only from lower layers, or from its own folder. */
export function findLayerFaults(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => path.startsWith(core))
    .flatMap((source) => {
      const from = findPlace(source.path)
      return readTargets(source).flatMap((target) => {
        const to = findPlace(target)
        const isBelow = to.layer < from.layer || to.place === from.place
        const isNeighbour = neighbours.some(([a, b]) => a === from.place && b === to.place)
        if (isBelow || isNeighbour) return []
        return [
          `${source.path} (layer ${from.layer}) must not import ${target} (layer ${to.layer})`,
        ]
      })
    })
}

function findPlace(path: string): { readonly layer: number; readonly place: string } {
  const inside = path.slice(core.length)
  for (const [layer, places] of layers.entries()) {
    const place = places.find((name) =>
      name.endsWith('/') ? inside.startsWith(name) : inside === name,
    )
    if (place !== undefined) return { layer, place }
  }
  return { layer: top, place: 'top' }
}

/** Folders of the core that no layer names. */
export function findUnknownFolders(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => path.startsWith(core) && path.slice(core.length).includes('/'))
    .filter(({ path }) => findPlace(path).layer === top)
    .map(({ path }) => `${path} is in a folder without a layer`)
}

/** No file imports itself on any way, types included. */
export function findCycleFaults(sources: readonly Source[]): readonly string[] {
  const graph: Graph = new Map(sources.map((source) => [source.path, readTargets(source)]))
  return findCycles(graph).map((cycle) => `import cycle: ${cycle.join(' → ')}`)
}

/** The paths that a source imports relatively. */
function readTargets(source: Source): readonly string[] {
  return readImports(source)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => posix.join(posix.dirname(source.path), specifier))
}

/** A package imports what it may, as it may, and reaches into no other. */
export function findPackageFaults(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => {
    const name = readPackageName(source.path)
    if (name === undefined) return []
    const allowed = allowedImports[name] ?? []
    return readImports(source).flatMap(({ specifier, kind }) => {
      if (specifier.startsWith('node:') || allowed.includes(specifier)) return []
      if (specifier.startsWith('.')) return findReach(source.path, specifier)
      if (allowed.includes(`${kind} ${specifier}`)) return []
      return [`${source.path} must not import "${specifier}" as a ${kind}`]
    })
  })
}

function readPackageName(path: string): string | undefined {
  return /^packages\/([^/]+)\/src\//.exec(path)?.[1]
}

function findReach(path: string, specifier: string): readonly string[] {
  const own = path.split('/').slice(0, 3).join('/')
  const target = posix.join(posix.dirname(path), specifier)
  return target.startsWith(`${own}/`) ? [] : [`${path} must not reach into ${target}`]
}

/**
 * Outside a package, what is not in its `exports` does not exist: neither by name nor by path.
 * `subpaths` are the importable names.
 */
export function findDeepImports(
  sources: readonly Source[],
  subpaths: ReadonlySet<string>,
): readonly string[] {
  return sources.flatMap((source) =>
    readImports(source).flatMap(({ specifier }) => {
      if (specifier.startsWith('@countersign/')) {
        return subpaths.has(specifier) ? [] : [`${source.path}: "${specifier}" is not exported`]
      }
      if (!specifier.startsWith('.')) return []
      const target = posix.join(posix.dirname(source.path), specifier)
      const [folder, name] = target.split('/')
      if (folder !== 'packages' || source.path.startsWith(`packages/${name}/`)) return []
      return [`${source.path} must not reach into ${target}`]
    }),
  )
}

/** An `index.ts` is a front door, and nobody inside goes through it. */
export function findFrontDoorFaults(sources: readonly Source[]): readonly string[] {
  const inner = sources
    .filter(({ path }) => /^packages\/[^/]+\/src\/.+\/index\.ts$/.test(path))
    .map(({ path }) => `${path}: only a package has a front door`)
  const entered = sources.flatMap((source) =>
    readTargets(source)
      .filter((target) => /^packages\/[^/]+\/src\/index\.ts$/.test(target))
      .filter(() => readPackageName(source.path) !== undefined)
      .map((target) => `${source.path} must not import ${target}`),
  )
  return [...inner, ...entered]
}

const vague = /(?:^|[/.-])(?:utils?|helpers?|common|misc|types?|managers?|services?)(?:[.-]|\/|$)/

/** A file is named after its idea, in kebab-case. */
export function findNameFaults(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => !path.startsWith('test/types/'))
    .filter(({ path }) => vague.test(path) || /[A-Z_]/.test(path))
    .map(({ path }) => `${path} is not named after an idea, in kebab-case`)
}

/** A source has at most 300 lines, a test at most 400. */
export function findLengthFaults(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, source }) => {
    const limit = /\/src\//.test(path) ? 300 : 400
    const lines = source.trimEnd().split('\n').length
    return lines > limit ? [`${path} has ${lines} lines, and ${limit} are the limit`] : []
  })
}

/** Classes are for errors, and nothing is printed, and the environment is read where it is asked for. */
export function findCodeFaults(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, source }) => {
    const code = blankTexts(source).replaceAll(/\bclass \w+ extends \w*Error\b/g, '')
    const reads = /\bprocess\.env\b|\bprocess\[|[{,]\s*env\b[^}]*\}\s*(?:=|from)\s*(?:process\b|$)/
    return [
      ...(/(?:^|[=(,:]|\bdefault|\bexport|\babstract|\breturn)\s*class\b/m.test(code) &&
      path !== `${core}errors.ts`
        ? [`${path}: "class" is for errors only`]
        : []),
      ...(/\bconsole\b|\bprocess\.(?:stdout|stderr)\b/.test(code) && !printers.includes(path)
        ? [`${path}: nothing is printed`]
        : []),
      ...(reads.test(code) && !environmentReaders.includes(path)
        ? [`${path}: the environment is not read here`]
        : []),
    ]
  })
}

const declaration =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type|enum|namespace) ([\w$]+)/

/** Every exported name has a docblock. */
export function findDocblockFaults(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, source }) => {
    const lines = source.split('\n')
    return lines.flatMap((line, index) => {
      const name = declaration.exec(line)?.[1]
      if (name === undefined || hasDocblock(lines, index, name)) return []
      return [`${path}:${index + 1}: "${name}" has no docblock`]
    })
  })
}

function hasDocblock(lines: readonly string[], index: number, name: string): boolean {
  for (let above = index - 1; above >= 0; above -= 1) {
    const line = lines[above] ?? ''
    if (line.startsWith('// biome-ignore')) continue
    // The overloads of a function share one
    if (declaration.exec(line)?.[1] === name) return hasDocblock(lines, above, name)
    return line.trimEnd().endsWith('*/')
  }
  return false
}

/** Every file says its idea at its head. */
export function findHeadFaults(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ source }) => !/^\/\*\*[\s\S]*?@module[\s\S]*?\*\//.test(source))
    .map(({ path }) => `${path} has no paragraph with @module at its head`)
}

/** A `@see` to an RFC names the section. */
export function findReferenceFaults(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, source }) =>
    source.split('\n').flatMap((line, index) => {
      const isBare = /@see \[?RFC ?\d+(?:bis)?(?!\d|bis|, (?:\d|[A-Z]\b|Appendix))/.test(line)
      return isBare ? [`${path}:${index + 1}: "@see RFC" without a section`] : []
    }),
  )
}

/** The error codes of `errors.ts`. */
export function readErrorCodes({ source }: Source): readonly string[] {
  const union = /\btype ErrorCode =((?:\s*\|?\s*'\w+')+)/.exec(blankComments(source))?.[1] ?? ''
  return [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
}

/** The codes that no text mentions as a whole word. */
export function findUnmentioned(
  codes: readonly string[],
  texts: readonly string[],
): readonly string[] {
  return codes.filter((code) => !texts.some((text) => new RegExp(`\\b${code}\\b`).test(text)))
}
