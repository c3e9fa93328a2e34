import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFileKeySource } from '../../src/keys/file-key.ts'
import { collectEvents, expectNothingOf, generateEc, signing, toPem } from './support/keys.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const [first, second] = [toPem(generateEc()), toPem(generateEc())]

const open = (path: string) => {
  const { events, emit } = collectEvents()
  const source = createFileKeySource(path, signing, { emit })
  const kids = async () => (await source.keys()).map(({ signer }) => signer.kid)
  return { events, kids }
}

test('a rewrite of the same size and moment, and an atomic rename, are used next', async () => {
  const path = join(folder, 'key.pem')
  writeFileSync(path, first)
  const { kids, events } = open(path)
  const before = await kids()
  writeFileSync(path, second)
  const after = await kids()
  expect(after).not.toEqual(before)
  writeFileSync(`${path}.new`, first)
  renameSync(`${path}.new`, path)
  const looks = await Promise.all([kids(), kids(), kids()])
  expect(looks).toEqual([before, before, before])
  expect(events.map(({ type }) => type)).toEqual(['key.reloaded', 'key.reloaded'])
})

test('a bad new file is one event, the old key stays; mended, it is read again', async () => {
  const path = join(folder, 'key.pem')
  writeFileSync(path, first)
  const { kids, events } = open(path)
  const before = await kids()
  const broken = second.slice(0, 120)
  writeFileSync(path, broken)
  expect([await kids(), await kids()]).toEqual([before, before])
  rmSync(path)
  expect([await kids(), await kids()]).toEqual([before, before])
  writeFileSync(path, second)
  expect(await kids()).not.toEqual(before)
  expect(events.map(({ type }) => type)).toEqual([
    'key.reload_failed',
    'key.reload_failed',
    'key.reloaded',
  ])
  expectNothingOf(broken.replaceAll('PRIVATE', ''), events[0])
})

test("Kubernetes' swap of ..data, and a file more or less in a folder, are noticed", async () => {
  for (const [name, pem] of Object.entries({ '..1': first, '..2': second })) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'key.pem'), pem)
  }
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync('..data/key.pem', join(folder, 'key.pem'))
  const { kids } = open(folder)
  const before = await kids()
  symlinkSync('..2', join(folder, '..new'))
  renameSync(join(folder, '..new'), join(folder, '..data'))
  const after = await kids()
  expect(after).not.toEqual(before)
  writeFileSync(join(folder, 'more.pem'), first)
  expect(await kids()).toEqual([...after, ...before])
  rmSync(join(folder, 'more.pem'))
  expect(await kids()).toEqual(after)
})
