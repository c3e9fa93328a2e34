import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as house from './house/architecture.ts'
import { readPackageNames, readSources, root, type Source } from './house/sources.ts'

const packages = readPackageNames()
const sources = readSources('packages').filter(({ path }) => path.split('/')[2] === 'src')
const unitTests = readSources('packages').filter(({ path }) => path.split('/')[2] === 'test')
const tests = [...unitTests, ...readSources('test').filter(isOurs)]

function isOurs({ path }: Source): boolean {
  return !path.startsWith('test/packaging/consumers/')
}

function readSubpaths(name: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
  return Object.keys(manifest.exports).map((subpath) => manifest.name + subpath.slice(1))
}

describe('the house', () => {
  test('a file of the core imports only from lower layers, or from its own folder', () => {
    expect(house.findLayerFaults(sources)).toEqual([])
    expect(house.findUnknownFolders(sources)).toEqual([])
  })

  test('there is no import cycle, types included', () => {
    expect(house.findCycleFaults([...sources, ...tests])).toEqual([])
  })

  test('a package imports what it may, and reaches into no other', () => {
    expect(Object.keys(house.allowedImports)).toEqual(expect.arrayContaining([...packages]))
    expect(house.findPackageFaults(sources)).toEqual([])
  })

  test('what is not in "exports" does not exist for others', () => {
    const subpaths = new Set(packages.flatMap(readSubpaths))
    const examples = readSources('examples')
    expect(house.findDeepImports([...sources, ...tests, ...examples], subpaths)).toEqual([])
  })

  test('nobody inside a package goes through its front door', () => {
    expect(house.findFrontDoorFaults(sources)).toEqual([])
  })

  test('a file is named after its idea', () => {
    expect(house.findNameFaults([...sources, ...tests])).toEqual([])
  })

  test('a source has at most 300 lines, a test at most 400', () => {
    expect(house.findLengthFaults([...sources, ...tests])).toEqual([])
  })

  test('a class is an error, nothing is printed, and the environment is read where it is asked for', () => {
    expect(house.findCodeFaults(sources.filter(isHandwritten))).toEqual([])
  })

  test('every file says its idea, and every exported name has a docblock', () => {
    expect(house.findHeadFaults(sources.filter(isHandwritten))).toEqual([])
    expect(house.findDocblockFaults(sources.filter(isHandwritten))).toEqual([])
  })

  test('a reference to an RFC names the section', () => {
    expect(house.findReferenceFaults(sources)).toEqual([])
  })

  test('no test imports another test', () => {
    const importers = tests.filter(({ source }) => /from '[^']*\.test\.ts'/.test(source))
    expect(importers.map(({ path }) => path)).toEqual([])
  })
})

/** Declarations of somebody else's package say what is theirs. */
function isHandwritten({ path }: Source): boolean {
  return !path.endsWith('.d.ts')
}

describe('every error code', () => {
  const errors = sources.find(({ path }) => path === 'packages/core/src/error-texts.ts')
  const codes = errors ? house.readErrorCodes(errors) : []

  test('is found', () => {
    expect(codes.length).toBeGreaterThan(20)
  })

  test('is documented in docs/errors.md', () => {
    const document = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    expect(house.findUnmentioned(codes, [document])).toEqual([])
  })

  test('is reached by a test', () => {
    const texts = tests
      .filter(({ path }) => path.endsWith('.test.ts') || path.includes('test/contract/'))
      .map(({ source }) => source)
    expect(house.findUnmentioned(codes, texts)).toEqual([])
  })

  test('is thrown, answered or read somewhere', () => {
    const texts = sources.filter((source) => source !== errors).map(({ source }) => source)
    const always = ['ERR_CONFIGURATION']
    expect(
      house.findUnmentioned(
        codes.filter((code) => !always.includes(code)),
        texts,
      ),
    ).toEqual([])
  })
})
