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
      build({ wait: 100 }, { createdAt: 1000 }, { createdAt: 2000 }, { createdAt: 3000 }),
    ).toEqual([
      ['v1', undefined, 2200],
      ['v2', 2100, 3200],
      ['v3', 3100, undefined],
    ])
  })

  test('versions are in the order of their making, however the store lists them', () => {
    expect(build({ wait: 0 }, { createdAt: 2000 }, { createdAt: 1000 })).toEqual([
      ['v2', undefined, 2000],
      ['v1', 2000, undefined],
    ])
  })

  test('what the store itself says of their time wins', () => {
    expect(
      build(
        { wait: 100 },
        { createdAt: 1000, notBefore: 1500, notAfter: 9000 },
        { createdAt: 2000, notBefore: 5000 },
      ),
    ).toEqual([
      ['v1', 1500, 9000],
      ['v2', 5000, undefined],
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
      ['v1', undefined, 600],
      ['v2', 500, undefined],
    ])
  })
})
