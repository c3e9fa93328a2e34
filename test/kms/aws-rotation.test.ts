import { createPublicKey, verify } from 'node:crypto'
import type { KeySource, Signer, TimedSigner } from '@countersign/core/keys'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { KmsKey } from './support/aws/kms-keys.ts'
import type { KmsServer } from './support/aws/kms-server.ts'
import {
  allActions,
  openKey,
  readOnlyKey,
  startTestServer,
  stubCredentials,
  tester,
} from './support/aws/test-key-store.ts'

let server: KmsServer
beforeAll(async () => {
  stubCredentials(tester)
  server = await startTestServer()
})
afterAll(() => server.close())

/** Seconds for which the key before is published. */
const overlap = 600
const text = Buffer.from('a text')

function createKey(alias: string): KmsKey {
  const key = server.keys.createKey('ECC_NIST_P256')
  server.keys.setAlias(alias, key)
  return key
}

function isBy({ privateKey }: KmsKey, signature: Uint8Array): boolean {
  const key = createPublicKey(privateKey)
  return verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

function findCurrent(keys: readonly TimedSigner[]): Signer {
  const [newest] = keys.toSorted((a, b) => (b.notBefore ?? 0) - (a.notBefore ?? 0))
  if (!newest) throw new TypeError('there is no key')
  expect(newest.notBefore ?? 0).toBeLessThanOrEqual(Date.now() / 1000 + 1)
  return newest.signer
}

describe('an alias that is given to another key', () => {
  const alias = 'alias/login'
  let source: KeySource
  let first: KmsKey
  let signer: Signer
  beforeEach(async () => {
    first = createKey(alias)
    source = openKey(server, alias)
    signer = await readOnlyKey(source)
  })
  afterEach(async () => {
    vi.useRealTimers()
    server.keys.showDisabled(false)
    await source.close?.()
  })

  test('changes nothing between two signatures: the first key is asked for by its ARN', async () => {
    expect(isBy(first, await signer.sign(text))).toBe(true)
    const second = createKey(alias)
    const signature = await signer.sign(text)
    expect([isBy(first, signature), isBy(second, signature)]).toEqual([true, false])
    expect(server.requests.at(-1)?.parameters).toMatchObject({ KeyId: first.arn })
  })

  test('the new key signs as soon as it is seen, and the old one is published for a while', async () => {
    const second = createKey(alias)
    const now = Math.floor(Date.now() / 1000)
    const keys = await source.keys({ renew: true })
    expect(keys.map(({ notBefore, notAfter }) => [notBefore, notAfter])).toEqual([
      [undefined, expect.closeTo(now + overlap, -1)],
      [expect.closeTo(now, -1), undefined],
    ])
    expect(keys[0]?.signer).toBe(signer)
    expect(isBy(second, await findCurrent(keys).sign(text))).toBe(true)
    // Another look changes nothing
    expect(await source.keys({ renew: true })).toEqual(keys)
  })

  test('the old key is over in the end', async () => {
    createKey(alias)
    const keys = await source.keys({ renew: true })
    expect(keys).toHaveLength(2)
    vi.useFakeTimers({ now: Date.now() + (overlap + 1) * 1000, toFake: ['Date'] })
    expect(await source.keys({ renew: true })).toEqual(keys.slice(1))
  })

  test.each(['Disabled', 'PendingDeletion'] as const)(
    'the old key is let go of once it is %s',
    async (state) => {
      createKey(alias)
      const keys = await source.keys({ renew: true })
      first.state = state
      expect(await source.keys({ renew: true })).toEqual(keys.slice(1))
    },
  )

  test('a public half that outlives its key does no harm', async () => {
    server.keys.showDisabled(true)
    const second = createKey(alias)
    first.state = 'Disabled'
    const keys = await source.keys({ renew: true })
    expect(isBy(second, await findCurrent(keys).sign(text))).toBe(true)
    expect(keys[0]?.notAfter).toBeDefined()
    await expect(signer.sign(text)).rejects.toMatchObject({ reason: 'disabled' })
  })

  test('the old key stays when this process may not read it any more: another one may', async () => {
    createKey(alias)
    first.denied = allActions
    expect(await source.keys({ renew: true })).toHaveLength(2)
  })

  test('given back, the key before signs again', async () => {
    createKey(alias)
    await source.keys({ renew: true })
    server.keys.setAlias(alias, first)
    const keys = await source.keys({ renew: true })
    expect(keys).toHaveLength(2)
    expect(isBy(first, await findCurrent(keys).sign(text))).toBe(true)
    expect(keys.map(({ notAfter }) => notAfter === undefined)).toEqual([false, true])
  })

  test('given away twice within a second, the last key signs', async () => {
    createKey(alias)
    await source.keys({ renew: true })
    const third = createKey(alias)
    const keys = await source.keys({ renew: true })
    expect(keys).toHaveLength(3)
    expect(isBy(third, await findCurrent(keys).sign(text))).toBe(true)
  })

  test('a new key of another kind is reported, and the old one stays', async () => {
    const strict = openKey(server, alias, { alg: 'ES256' })
    const keys = await strict.keys()
    server.keys.setAlias(alias, server.keys.createKey('ECC_NIST_P384'))
    const reported: unknown[] = []
    const report = (error: unknown) => reported.push(error)
    expect(await strict.keys({ renew: true, report })).toEqual(keys)
    expect(reported).toMatchObject([
      { reason: 'unsupported-algorithm', message: expect.stringContaining('"ES256"') },
    ])
    await strict.close?.()
  })
})

describe('a key', () => {
  test.each([
    ['its id', (arn: string) => arn.replace(/^.*\//, '')],
    ['its ARN', (arn: string) => arn],
    ['an alias', () => 'alias/many/names'],
    ['the ARN of an alias', (arn: string) => arn.replace(/key\/.*$/, 'alias/many/names')],
  ])('is found by %s', async (_, findName) => {
    const key = createKey('alias/many/names')
    const name = findName(key.arn)
    const source = openKey(server, name)
    expect(source.name).toBe(`awskms:///${name}`)
    const signer = await readOnlyKey(source)
    expect(isBy(key, await signer.sign(text))).toBe(true)
    expect(server.requests.slice(-2)).toMatchObject([
      { operation: 'GetPublicKey', parameters: { KeyId: name } },
      { operation: 'Sign', parameters: { KeyId: key.arn } },
    ])
    await source.close?.()
  })

  test('that is found by its ARN may have a "kid", which stays', async () => {
    const source = openKey(server, createKey('alias/named').arn, { kid: 'login' })
    createKey('alias/named')
    expect(await readOnlyKey(source)).toMatchObject({ kid: 'login', hasExplicitKid: true })
    const [key, ...others] = await source.keys({ renew: true })
    expect([key?.signer.kid, others]).toEqual(['login', []])
    await source.close?.()
  })
})
