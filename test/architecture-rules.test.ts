import { describe, expect, test } from 'vitest'
import * as house from './house/architecture.ts'
import { readImports, type Source } from './house/sources.ts'

function core(path: string, source: string): Source {
  return { path: `packages/core/src/${path}`, source }
}

describe('the rules bite', () => {
  test.each([
    ['http/cookies.ts', "import { seal } from '../jose/seal.ts'"],
    ['session/store.ts', "import type { Config } from '../config.ts'"],
    ['session/store.ts', "export type { Transaction } from '../login/transaction.ts'"],
    ['base/url.ts', "import { OidcError } from '../errors.ts'"],
    ['tokens/refresh.ts', "import { startLogin } from '../login/authentication-request.ts'"],
    ['client/authentication.ts', "const x = await import('../session/session.ts')"],
    ['keys/signer.ts', "type T = import('../http/fetch.ts').Fetch"],
    ['errors.ts', "import {\n  type Emit,\n  a,\n} from './events.ts'"],
  ])('on a step up or aside: %s %s', (path, source) => {
    expect(house.findLayerFaults([core(path, source)])).toHaveLength(1)
  })

  test.each([
    ['events.ts', "import { OidcError } from './errors.ts'"],
    ['http/cookies.ts', "import type { Exchange } from '../exchange.ts'"],
    [
      'login/callback.ts',
      "import { a } from './transaction.ts'\nimport b from '../tokens/refresh.ts'",
    ],
    ['logout/rp-initiated.ts', "import { a } from '../login/negotiation.ts'"],
    ['config.ts', "import type { Options } from './options.ts'"],
    ['base/url.ts', "// import { a } from '../config.ts'\n/* import '../config.ts' */"],
  ])('not on a step down or within: %s %s', (path, source) => {
    expect(house.findLayerFaults([core(path, source)])).toEqual([])
  })

  test('on a folder without a layer', () => {
    expect(house.findUnknownFolders([core('stuff/x.ts', ''), core('x.ts', '')])).toHaveLength(1)
  })

  test('on a cycle, also of types', () => {
    const cycle = [
      core('login/a.ts', "import type { B } from './b.ts'"),
      core('login/b.ts', "export * from './c.ts'"),
      core('login/c.ts', "import { a } from './a.ts'"),
    ]
    expect(house.findCycleFaults(cycle)).toEqual([
      'import cycle: packages/core/src/login/a.ts → packages/core/src/login/b.ts → ' +
        'packages/core/src/login/c.ts → packages/core/src/login/a.ts',
    ])
    expect(house.findCycleFaults(cycle.slice(1))).toEqual([])
  })

  test.each([
    ['core', "import type { Request } from 'express'"],
    ['core', "import { KMSClient } from '@aws-sdk/client-kms'"],
    ['core', "import { a } from '@countersign/express'"],
    ['core', "import { a } from '../../testing/src/index.ts'"],
    ['core', "require('left-pad')"],
    ['core', "import { HttpsProxyAgent } from 'https-proxy-agent'"],
    ['express', "import express from 'express'"],
    ['express', "import { type Request } from 'express'"],
    ['express', "import { jwtVerify } from 'jose'"],
    ['express', "import { a } from '@countersign/core/keys'"],
    ['unheard-of', "import { a } from 'anything'"],
  ])('on an import that %s may not have: %s', (name, source) => {
    const path = `packages/${name}/src/a.ts`
    expect(house.findPackageFaults([{ path, source }])).toHaveLength(1)
  })

  test.each([
    ['core', "import * as client from 'openid-client'\nimport { a } from 'node:http'"],
    ['core', "const { HttpsProxyAgent } = require('https-proxy-agent')"],
    [
      'express',
      "import type { Request } from 'express'\nimport {\n  a,\n} from '@countersign/core'",
    ],
  ])('not on an import that %s may have: %s', (name, source) => {
    const path = `packages/${name}/src/a.ts`
    expect(house.findPackageFaults([{ path, source }])).toEqual([])
  })

  test('on a deep import, by name or by path', () => {
    const subpaths = new Set(['@countersign/core', '@countersign/core/node'])
    const find = (path: string, source: string) =>
      house.findDeepImports([{ path, source }], subpaths)
    expect(find('test/e2e/a.test.ts', "import '@countersign/core/src/url.ts'")).toHaveLength(1)
    expect(
      find('test/e2e/a.test.ts', "import { a } from '../../packages/core/src/a.ts'"),
    ).toHaveLength(1)
    expect(find('packages/core/test/a.test.ts', "import { a } from '../src/a.ts'")).toEqual([])
    expect(find('test/e2e/a.test.ts', "import { a } from '@countersign/core/node'")).toEqual([])
  })

  test('on an inner front door, and on going through the front door', () => {
    expect(house.findFrontDoorFaults([core('keys/index.ts', '')])).toHaveLength(1)
    expect(
      house.findFrontDoorFaults([core('a.ts', "import { b } from './index.ts'")]),
    ).toHaveLength(1)
    expect(house.findFrontDoorFaults([core('index.ts', "export { b } from './b.ts'")])).toEqual([])
  })

  test('on a vague name', () => {
    const vague = [
      'base/utils.ts',
      'http/http-helpers.ts',
      'types.ts',
      'common/a.ts',
      'keys/keyRing.ts',
    ]
    expect(house.findNameFaults(vague.map((path) => core(path, '')))).toHaveLength(vague.length)
    expect(house.findNameFaults([core('keys/key-ring.ts', '')])).toEqual([])
  })

  test('on a long file', () => {
    expect(house.findLengthFaults([core('a.ts', 'x\n'.repeat(301))])).toHaveLength(1)
    expect(house.findLengthFaults([core('a.ts', 'x\n'.repeat(300))])).toEqual([])
    const path = 'packages/core/test/a.test.ts'
    expect(house.findLengthFaults([{ path, source: 'x\n'.repeat(401) }])).toHaveLength(1)
    expect(house.findLengthFaults([{ path, source: 'x\n'.repeat(400) }])).toEqual([])
  })

  test.each([
    'class Session {}',
    'export class Session {}',
    'export const Session = class {}',
    'console.log(1)',
    'process.stderr.write(message)',
    "const secret = process.env['SECRET']",
    "import { env } from 'node:process'",
    'const { env } = process',
  ])("on what is nobody's business but others': %s", (source) => {
    expect(house.findCodeFaults([core('a.ts', source)])).toHaveLength(1)
  })

  test('not on what the program itself does, whose process it is', () => {
    const source = 'process.stdout.write(String(process.env))'
    expect(house.findCodeFaults([{ path: 'packages/cli/src/main.ts', source }])).toEqual([])
    expect(house.findCodeFaults([{ path: 'packages/cli/src/keys.ts', source }])).toHaveLength(2)
  })

  test('not on the words', () => {
    const words =
      "/** A class of errors; console, process.env */\nconst a = 'class A'\nconst classes = 1"
    expect(house.findCodeFaults([core('a.ts', words), core('errors.ts', 'class A {}')])).toEqual([])
  })

  test('on an exported name without a docblock', () => {
    const faults = (source: string) => house.findDocblockFaults([core('a.ts', source)])
    expect(faults('export function a() {}')).toHaveLength(1)
    expect(faults('/** A. */\n\nexport interface A {}')).toHaveLength(1)
    expect(faults('/** A. */\nexport interface A {}\nexport type B = A')).toHaveLength(1)
    expect(faults('/** A. */\n// biome-ignore lint/x: y\nexport type A = 1')).toEqual([])
    expect(faults('/** A. */\nexport function a(x: 1): 1\nexport function a(x: 2): 2')).toEqual([])
    expect(faults("export { a } from './a.ts'")).toEqual([])
  })

  test('on a file that does not say its idea', () => {
    expect(house.findHeadFaults([core('a.ts', 'export {}')])).toHaveLength(1)
    const head = '/**\n * Ideas.\n *\n * @module\n */\n'
    expect(house.findHeadFaults([core('a.ts', head)])).toEqual([])
  })

  test('on a reference without a section', () => {
    const faults = (source: string) => house.findReferenceFaults([core('a.ts', source)])
    expect(faults('/** A. @see RFC 8176 */')).toHaveLength(1)
    expect(faults(' * @see RFC 7517')).toHaveLength(1)
    expect(faults('/** A. @see RFC 7517, 4 */')).toEqual([])
    expect(faults('/** A. @see RFC 7518, A.3 */')).toEqual([])
  })

  test('on a code that nobody mentions', () => {
    const table = core(
      'errors.ts',
      "export type ErrorCode =\n  | 'ERR_A'\n  | 'ERR_A_B'\n\ntype B = 'c'",
    )
    const codes = house.readErrorCodes(table)
    expect(codes).toEqual(['ERR_A', 'ERR_A_B'])
    expect(house.findUnmentioned(codes, ['`ERR_A_B`'])).toEqual(['ERR_A'])
  })
})

test('imports are read in every form', () => {
  const source = [
    "import 'a'",
    "import b, { type B } from 'b'",
    "import type * as c from 'c'",
    "export * from 'd'",
    "export type { E } from 'e'",
    "const f = await import('f')",
    "const g = require('g')",
    "const text = 'import h from \\'h\\''",
    "// import 'i'",
  ].join('\n')
  expect(readImports({ path: 'x.ts', source })).toEqual([
    { specifier: 'a', kind: 'value' },
    { specifier: 'b', kind: 'value' },
    { specifier: 'c', kind: 'type' },
    { specifier: 'd', kind: 'value' },
    { specifier: 'e', kind: 'type' },
    { specifier: 'f', kind: 'call' },
    { specifier: 'g', kind: 'call' },
  ])
})
