import { afterEach, expect, test, vi } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import type { TimedDecrypter } from '../../src/keys/decrypter.ts'
import { createDecryptionRing } from '../../src/keys/decryption-ring.ts'
import type { KeySource } from '../../src/keys/signer.ts'
import { createDecrypters } from './support/decryption.ts'
import { collectEvents, generateEc, generateRsa } from './support/keys.ts'

afterEach(() => void vi.useRealTimers())

const [first, second] = [generateEc(), generateEc()]
const day = 86_400

function open(...sources: readonly KeySource<TimedDecrypter>[]) {
  const { events, emit } = collectEvents()
  const clock = { time: 0, now: () => clock.time }
  const ring = createDecryptionRing({ sources, clock, emit })
  return {
    ring,
    clock,
    events,
    published: async () => (await ring.published()).map(({ kid }) => kid),
    usable: async () => (await ring.usable()).map(({ kid }) => kid),
  }
}

async function openKeys(value: unknown) {
  const keys = await createDecrypters(value)
  return open({ name: 'test', keys: async () => keys })
}

test.each([
  // The next key decrypts before a provider can have it; the last one for two days after it was published
  [100, ['old'], ['old', 'new']],
  [199, ['old'], ['old', 'new']],
  [200, ['old', 'new'], ['old', 'new']],
  [299, ['old', 'new'], ['old', 'new']],
  [300, ['new'], ['new', 'old']],
  [300 + 2 * day - 1, ['new'], ['new', 'old']],
  [300 + 2 * day, ['new'], ['new']],
])('at %d the keys %j are published, and %j decrypt', async (time, published, usable) => {
  const keys = await openKeys([
    { key: first, kid: 'old', notAfter: 300 },
    { key: second, kid: 'new', notBefore: 200 },
  ])
  keys.clock.time = time
  expect(await keys.published()).toEqual(published)
  expect(await keys.usable()).toEqual(usable)
})

test('a key is published with "use", and with the "alg" that is named, or the first that fits', async () => {
  const { ring } = await openKeys([
    { key: first, kid: 'any' },
    { key: generateRsa(), kid: 'one', alg: 'RSA-OAEP' },
    { key: first, kid: 'any' },
    { key: generateRsa(), kid: 'rsa' },
  ])
  const rsa = { kty: 'RSA', n: expect.any(String), e: 'AQAB', use: 'enc' }
  const published = await ring.published()
  expect(published).toEqual([
    {
      kty: 'EC',
      crv: 'P-256',
      x: expect.any(String),
      y: expect.any(String),
      kid: 'any',
      use: 'enc',
      alg: 'ECDH-ES+A256KW',
    },
    { ...rsa, kid: 'one', alg: 'RSA-OAEP' },
    { ...rsa, kid: 'rsa', alg: 'RSA-OAEP-256' },
  ])
})

test('of a key that hands out more than its public half nothing more is published', async () => {
  const [timed] = await createDecrypters([{ key: first, kid: 'a' }])
  if (!timed) return expect.unreachable()
  const { decrypter } = timed
  const publicJwk = { ...decrypter.publicJwk, d: 'AAAA' }
  const keys = async () => [{ decrypter: { ...decrypter, publicJwk } }]
  expect(await open({ name: 'test', keys }).ring.published()).toEqual([
    { ...decrypter.publicJwk, kid: 'a', use: 'enc', alg: 'ECDH-ES+A256KW' },
  ])
})

test.each([
  // In the gap between two keys, or before the only one begins, the provider has something to choose
  [100, ['one']],
  [299, ['one']],
  [300, ['two', 'alike']],
  [399, ['two', 'alike']],
  [500, ['two', 'alike']],
  [900, ['last']],
])('without a key that has begun, the next one is published: at %d %j', async (time, published) => {
  const keys = await openKeys([
    { key: generateEc(), kid: 'last', notBefore: 1000 },
    { key: first, kid: 'one', notBefore: 200, notAfter: 300 },
    { key: second, kid: 'two', notBefore: 400, notAfter: 900 },
    { key: generateEc(), kid: 'alike', notBefore: 400, notAfter: 900 },
  ])
  keys.clock.time = time
  expect(await keys.published()).toEqual(published)
  expect((await keys.usable()).slice(0, published.length)).toEqual(published)
})

test('without a key that may decrypt, that is what is said', async () => {
  const keys = await openKeys([{ key: first, notAfter: 1 }])
  keys.clock.time = 1 + 2 * day
  await expect(keys.ring.usable()).rejects.toMatchObject({
    code: 'ERR_NO_KEY',
    message:
      'no key may decrypt: there is none, or all are more than two days past their "notAfter"',
  })
  expect(await keys.published()).toEqual([])
})

test('a source that never answers is waited for 5 seconds', async () => {
  vi.useFakeTimers()
  const silent = { name: 'silent', keys: () => new Promise<never>(() => undefined) }
  const { ring, events } = open(silent)
  const usable = expect(ring.usable()).rejects.toMatchObject({
    code: 'ERR_KEY_UNAVAILABLE',
    message: 'silent did not answer in time',
    reason: 'timeout',
  })
  await vi.advanceTimersByTimeAsync(4_999)
  expect(events).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  await usable
  expect(events).toMatchObject([{ type: 'key.reload_failed', source: 'silent' }])
  expect(vi.getTimerCount()).toBe(0)
})

test('what a source reports is told', async () => {
  const good = await createDecrypters([{ key: first, kid: 'good' }])
  const keys: KeySource<TimedDecrypter>['keys'] = async ({ report } = {}) => {
    report?.(new KeyError('ERR_KEY_UNAVAILABLE', 'away'))
    return good
  }
  const { usable, events } = open({ name: 'store', keys })
  expect(await usable()).toEqual(['good'])
  expect(events).toMatchObject([{ source: 'store', error: { message: 'away' } }])
})

test('closing closes every source', async () => {
  const close = vi.fn(async () => undefined)
  await open(
    { name: 'a', keys: async () => [], close },
    { name: 'b', keys: async () => [] },
  ).ring.close()
  expect(close).toHaveBeenCalledOnce()
})

test('a source that fails does not matter beside a good one, and alone it fails with its error', async () => {
  const error = new KeyError('ERR_KEY_UNAVAILABLE', 'gone')
  const broken = { name: 'broken', keys: () => Promise.reject(error) }
  const good = await createDecrypters([{ key: first, kid: 'good' }])
  const both = open(broken, { name: 'good', keys: async () => good })
  expect(await both.usable()).toEqual(['good'])
  expect(await both.published()).toEqual(['good'])
  // Told once, until it works again
  expect(both.events).toMatchObject([{ type: 'key.reload_failed', source: 'broken' }])
  await expect(open(broken).ring.usable()).rejects.toBe(error)
})
