import type { KeySource, TimedSigner } from '@countersign/core/keys'
import { createUriKeySource } from '@countersign/kms/aws'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { findError } from '../support/key-error.ts'
import type { KmsKey } from './support/aws/kms-keys.ts'
import type { KmsServer } from './support/aws/kms-server.ts'
import {
  openKey,
  startTestServer,
  stubCredentials,
  tester,
  twoAliases,
} from './support/aws/test-key-store.ts'

const wait = 3600
const minute = 60

let server: KmsServer
let names: readonly [string, string]
const opened: KeySource[] = []
beforeAll(async () => {
  stubCredentials(tester)
  server = await startTestServer()
})
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true })
  const [one = '', two = ''] = twoAliases()
  names = [one, two]
})
afterEach(async () => {
  vi.useRealTimers()
  server.recover()
  server.keys.showDisabled(false)
  await Promise.all(opened.splice(0).map((source) => source.close?.()))
})
afterAll(() => server.close())

function open(): KeySource {
  const source = openKey(server, names, { wait })
  opened.push(source)
  return source
}

function createKey(name: string): KmsKey {
  const key = server.keys.createKey('ECC_NIST_P256')
  server.keys.setAlias(name, key)
  return key
}

const advance = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

/** The timeline in whole seconds from a moment on. */
function describeTimeline(keys: readonly TimedSigner[], moment: number): readonly object[] {
  const count = (time: number | undefined) => time && Math.floor(time - moment)
  return keys.map(({ signer, notBefore, notAfter }) => ({
    kid: signer.kid,
    times: [count(notBefore), count(notAfter)],
  }))
}

/** What a source that was never asked before says. */
async function readAnew(): Promise<readonly TimedSigner[]> {
  return await open().keys()
}

describe('two names of one key', () => {
  test('replicas that look at other times, or start in between, have one timeline', async () => {
    createKey(names[0])
    const replica = open()
    await replica.keys()
    advance(10 * minute)
    const second = createKey(names[1]).createdAt / 1000
    advance(7 * minute)
    const anew = await readAnew()
    advance(20 * minute)
    const keys = await replica.keys({ renew: true })
    const [first, next] = keys.map(({ signer }) => signer.kid)
    expect(describeTimeline(keys, second)).toEqual([
      { kid: first, times: [undefined, 2 * wait] },
      { kid: next, times: [wait, undefined] },
    ])
    expect(describeTimeline(anew, second)).toEqual(describeTimeline(keys, second))
  })

  test('the retired key’s name is given to the next, and all replicas know it', async () => {
    createKey(names[0])
    const replica = open()
    await replica.keys()
    advance(minute)
    createKey(names[1])
    const [, second] = await replica.keys({ renew: true })
    advance(2 * wait + minute)
    const third = createKey(names[0]).createdAt / 1000
    advance(wait / 2)
    const keys = await replica.keys({ renew: true })
    const [, { signer }] = keys as readonly [TimedSigner, TimedSigner]
    expect(describeTimeline(keys, third)).toEqual([
      { kid: second?.signer.kid, times: [undefined, 2 * wait] },
      { kid: signer.kid, times: [wait, undefined] },
    ])
    expect(describeTimeline(await readAnew(), third)).toEqual(describeTimeline(keys, third))
  })

  test('in the other order are the same', async () => {
    createKey(names[1])
    advance(1)
    createKey(names[0])
    const keys = await readAnew()
    const reversed = openKey(server, names.toReversed(), { wait })
    opened.push(reversed)
    expect(describeTimeline(await reversed.keys(), 0)).toEqual(describeTimeline(keys, 0))
    expect(keys.map(({ notBefore }) => notBefore === undefined)).toEqual([true, false])
  })

  test('the second of which does not exist yet are one key, which signs at once', async () => {
    createKey(names[0])
    expect(await readAnew()).toMatchObject([{ notBefore: undefined, notAfter: undefined }])
  })

  test('neither of which exists are told', async () => {
    const error = await findError(readAnew())
    expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason: 'not-found' })
    expect(error.message).toContain(`awskms:///${names.join()} does not exist`)
  })

  test('that stand for one key are one version', async () => {
    server.keys.setAlias(names[1], createKey(names[0]))
    expect(await readAnew()).toMatchObject([{ notBefore: undefined, notAfter: undefined }])
  })

  test.each(['Disabled', 'PendingDeletion'] as const)(
    'one of which is that of a key that is %s are the other',
    async (state) => {
      // AWS may show the public half of a disabled key
      server.keys.showDisabled(true)
      const first = createKey(names[0])
      advance(minute)
      createKey(names[1])
      const replica = open()
      const [old, next] = await replica.keys()
      first.state = state
      expect(await replica.keys({ renew: true })).toMatchObject([
        { signer: { kid: next?.signer.kid }, notBefore: undefined },
      ])
      first.state = 'Enabled'
      expect((await replica.keys({ renew: true }))[0]?.signer.kid).toBe(old?.signer.kid)
    },
  )

  test('both of disabled keys are told as such', async () => {
    for (const name of names) createKey(name).state = 'Disabled'
    const error = await findError(readAnew())
    expect(error.reason).toBe('disabled')
    expect(error.message).toContain('enable it, or point the alias at another key')
  })

  test('one of which is that of a key for something else are the other', async () => {
    const other = server.keys.createKey('RSA_2048', 'ENCRYPT_DECRYPT')
    server.keys.setAlias(names[0], other)
    const error = await findError(readAnew())
    expect(error.reason).toBe('unsupported-algorithm')
    advance(minute)
    createKey(names[1])
    expect(await readAnew()).toMatchObject([{ notBefore: undefined, signer: { alg: 'ES256' } }])
  })

  test.each(['DescribeKey', 'GetPublicKey'] as const)(
    'that may not be asked for with %s are told, with the permission',
    async (action) => {
      createKey(names[0])
      createKey(names[1]).denied = [action]
      const error = await findError(readAnew())
      expect(error.reason).toBe('denied')
      expect(error.message).toContain(`kms:${action}`)
    },
  )

  test('one of which cannot be asked for any more leave all as it is', async () => {
    createKey(names[0])
    advance(minute)
    const second = createKey(names[1])
    const replica = open()
    const keys = await replica.keys()
    second.denied = ['DescribeKey']
    const reported: unknown[] = []
    const report = (error: unknown) => reported.push(error)
    expect(await replica.keys({ renew: true, report })).toEqual(keys)
    expect(reported).toMatchObject([{ reason: 'denied' }])
  })

  test('are looked up each time, and a key’s public half once', async () => {
    for (const name of names) createKey(name)
    const asked = server.requests.length
    const replica = open()
    await replica.keys()
    await replica.keys({ renew: true })
    const operations = server.requests.slice(asked).map(({ operation }) => operation)
    expect(operations.toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => 'DescribeKey'),
      ...Array.from({ length: 2 }, () => 'GetPublicKey'),
    ])
  })
})

describe('a URI with two names', () => {
  test.each([
    [wait, wait],
    [undefined, 86_400],
  ])('with the parameter "wait" of %s waits for %i seconds', async (given, seconds) => {
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url)
    vi.stubEnv('AWS_REGION', server.region)
    createKey(names[0])
    advance(minute)
    const second = createKey(names[1]).createdAt / 1000
    const keyId = names.join()
    const name = `awskms:///${keyId}`
    const place = { name, parts: { keyId }, parameters: {}, wait: given }
    const source = createUriKeySource(place, { defaultRsaAlg: 'RS256' })
    opened.push(source)
    expect(source.name).toBe(name)
    const [, next] = await source.keys()
    expect(next?.notBefore).toBe(second + seconds)
  })

  test('in two regions is refused', () => {
    const keyId = ['eu-west-1', 'us-east-1']
      .map((region) => `arn:aws:kms:${region}:111122223333:alias/login`)
      .join()
    const place = { name: 'awskms:///two', parts: { keyId }, parameters: {} }
    expect(() => createUriKeySource(place, { defaultRsaAlg: 'RS256' })).toThrow(
      expect.objectContaining({
        code: 'ERR_KEY_UNAVAILABLE',
        message: 'awskms:///two: "keyId" must name keys of one region',
      }),
    )
  })
})
