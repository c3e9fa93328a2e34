import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyVersion } from '../../src/store/key-store.ts'
import { buildTimeline, type TimelineSettings } from '../../src/store/timeline.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = createPublicKey(privateKey)

function build(settings: TimelineSettings, ...versions: readonly Partial<KeyVersion>[]) {
  const all = versions.map((version, index) => ({
    ref: `v${index + 1}`,
    publicKey,
    algs: ['ES256' as const],
    ...version,
  }))
  return buildTimeline(all, settings).map(({ version: { ref }, notBefore, notAfter }) => [
    ref,
    notBefore,
    notAfter,
  ])
}

describe('the timeline of a key', () => {
  test('a single version signs at once, and has no end', () => {
    expect(build({ wait: 100 }, { createdAt: 1000 })).toEqual([['v1', undefined, undefined]])
  })

  test('a new version signs when it has waited, and the one before is published as long again', () => {
    expect(
      build({ wait: 1000 }, { createdAt: 1000 }, { createdAt: 9000 }, { createdAt: 20000 }),
    ).toEqual([
      ['v1', undefined, 11000],
      ['v2', 10000, 22000],
      ['v3', 21000, undefined],
    ])
  })

  test('however short the wait, replicas that have not looked are given ten minutes', () => {
    expect(build({ wait: 60 }, { createdAt: 1000 }, { createdAt: 2000 })).toEqual([
      ['v1', undefined, 2660],
      ['v2', 2060, undefined],
    ])
  })

  test('of two versions of one second the later one wins', () => {
    expect(
      build({ wait: 100 }, { createdAt: 1000 }, { createdAt: 2000 }, { createdAt: 2000 }),
    ).toEqual([
      ['v1', undefined, 2700],
      ['v2', 2100, 2701],
      ['v3', 2101, undefined],
    ])
  })

  test('versions are in the order of their making, however the store lists them', () => {
    expect(build({ wait: 0 }, { createdAt: 2000 }, { createdAt: 1000 })).toEqual([
      ['v2', undefined, 2600],
      ['v1', 2000, undefined],
    ])
  })

  test('what the store itself says of their time makes it narrower', () => {
    expect(
      build(
        { wait: 100 },
        { createdAt: 1000, notBefore: 1500, notAfter: 5200 },
        { createdAt: 2000, notBefore: 5000 },
        { createdAt: 6000, notBefore: 6000 },
      ),
    ).toEqual([
      ['v1', 1500, 5200],
      ['v2', 5000, 6700],
      // A beginning of "now" is no reason to sign before anybody has the key
      ['v3', 6100, undefined],
    ])
  })

  test('a version does not wait beyond the end of the one before', () => {
    expect(build({ wait: 1000 }, { createdAt: 1000, notAfter: 2500 }, { createdAt: 2000 })).toEqual(
      [
        ['v1', undefined, 2500],
        ['v2', 2500, undefined],
      ],
    )
  })

  test('what is configured makes it narrower, and never wider', () => {
    const settings = { wait: 100, notBefore: 2050, notAfter: 2150 }
    expect(build(settings, { createdAt: 1000 }, { createdAt: 2000 })).toEqual([
      ['v1', 2050, 2150],
      ['v2', 2100, 2150],
    ])
  })

  test('versions without a date follow one another at once', () => {
    expect(build({ wait: 100 }, {}, { notBefore: 500 })).toEqual([
      ['v1', undefined, 1100],
      ['v2', 500, undefined],
    ])
  })
})
