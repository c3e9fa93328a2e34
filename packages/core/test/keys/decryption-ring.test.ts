import { afterEach, expect, test, vi } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import type { TimedDecrypter } from '../../src/keys/decrypter.ts'
import { createDecryptionRing } from '../../src/keys/decryption-ring.ts'
import type { KeySource } from '../../src/keys/signer.ts'
import { createDecrypters } from './support/decryption.ts'
import { collectEvents, generateEc, generateRsa } from './support/keys.ts'

afterEach(() => void vi.restoreAllMocks())

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
  // The next key decrypts before a provider can have it; the last one for a day after it was published
  [100, ['old'], ['old', 'new']],
  [199, ['old'], ['old', 'new']],
  [200, ['old', 'new'], ['old', 'new']],
  [299, ['old', 'new'], ['old', 'new']],
  [300, ['new'], ['new', 'old']],
  [300 + day - 1, ['new'], ['new', 'old']],
  [300 + day, ['new'], ['new']],
])('at %d the keys %j are published, and %j decrypt', async (time, published, usable) => {
  const keys = await openKeys([
    { key: first, kid: 'old', notAfter: 300 },
    { key: second, kid: 'new', notBefore: 200 },
  ])
  keys.clock.time = time
  expect(await keys.published()).toEqual(published)
  expect(await keys.usable()).toEqual(usable)
})

test('a key is published with "use", and with "alg" where one is named', async () => {
  const { ring } = await openKeys([
    { key: first, kid: 'any' },
    { key: generateRsa(), kid: 'one', alg: 'RSA-OAEP-256' },
    { key: first, kid: 'any' },
  ])
  const published = await ring.published()
  expect(published).toEqual([
    {
      kty: 'EC',
      crv: 'P-256',
      x: expect.any(String),
      y: expect.any(String),
      kid: 'any',
      use: 'enc',
    },
    { kty: 'RSA', n: expect.any(String), e: 'AQAB', kid: 'one', use: 'enc', alg: 'RSA-OAEP-256' },
  ])
})

test('without a key that may decrypt, that is what is said', async () => {
  const keys = await openKeys([{ key: first, notAfter: 1 }])
  keys.clock.time = 1 + day
  await expect(keys.ring.usable()).rejects.toMatchObject({
    code: 'ERR_NO_KEY',
    message: 'no key may decrypt: there is none, or all are more than a day past their "notAfter"',
  })
  expect(await keys.published()).toEqual([])
})

test('a source that never answers is not waited for', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort(new Error('too late')))
  const silent = { name: 'silent', keys: () => new Promise<never>(() => undefined) }
  const { ring, events } = open(silent)
  await expect(ring.usable()).rejects.toMatchObject({
    code: 'ERR_KEY_UNAVAILABLE',
    message: 'silent cannot be used',
  })
  expect(events).toMatchObject([{ type: 'key.reload_failed', source: 'silent' }])
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
  await expect(open(broken).ring.usable()).rejects.toBe(error)
})
