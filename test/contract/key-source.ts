/**
 * What the source of keys in a key store must do when the store is slow, wrong or away, and when its
 * keys change. Each key store calls this suite with its own.
 *
 * @module
 */

import type {
  JwsAlgorithm,
  KeyErrorReason,
  KeySource,
  Signer,
  TimedSigner,
} from '@countersign/core/keys'
import { compactVerify, importJWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { describeAll, findError } from '../support/key-error.ts'

/** How a key store misbehaves. */
export type StoreFault = 'throttled' | 'unavailable' | 'hanging'

/** How a key is opened. */
export interface OpenSettings {
  readonly alg?: JwsAlgorithm
  readonly kid?: string
  /** Seconds from the making of a version until it signs. */
  readonly wait?: number
}

/** A key store of the test's own, and the keys in it. */
export interface TestKeyStore {
  /** Makes a key with one version, and returns what the store calls it. */
  createKey(alg: JwsAlgorithm): Promise<string>
  /** Opens a key as an app does. */
  open(key: string, settings?: OpenSettings): KeySource
  /** The same with credentials that the store does not accept. */
  openAsStranger?(key: string): KeySource
  /** The same of a store at an address where nobody listens. */
  openNowhere?(key: string): KeySource
  /** Opens the first version of a key by the name of the version, where the store has such names. */
  openVersion?(key: string, settings?: OpenSettings): KeySource
  /** Makes a new version; where the store has none, what the name stands for becomes another key. */
  rotate?(key: string): Promise<void>
  /** Switches the oldest version off. */
  disable?(key: string): Promise<void>
  /** Removes the key. */
  destroy(key: string): Promise<void>
  /** Takes the permission to use the key away. */
  deny?(key: string): Promise<void>
  /** Misbehaves at the next requests: so many of them, or all. */
  misbehave?(fault: StoreFault, times: number): void
  /** Ends every misbehaviour. */
  recover?(): void
  /** How many requests to sign have arrived, where one that hangs is not given up for another in time. */
  signRequests?(): number
  close(): Promise<void>
}

/** What is put to the test. */
export interface KeySourceContract {
  readonly name: string
  /** Whether a key has versions that are all published, and not just a name for one key or another. */
  readonly hasVersions: boolean
  /** What the store says of a key that was switched off or removed, where it is not told apart. */
  readonly reasons?: Partial<Record<'disabled' | 'not-found' | 'credentials', KeyErrorReason>>
  start(): Promise<TestKeyStore>
}

/** The algorithm of the keys that are made. */
const alg = 'ES256'

/** Calls the suite. */
export function keySourceContract(contract: KeySourceContract): void {
  const { name, hasVersions, start, reasons } = contract
  describe(name, () => {
    let store: TestKeyStore
    const opened: KeySource[] = []
    const open = (key: string, settings?: OpenSettings) => keep(store.open(key, settings))
    const keep = (source: KeySource) => {
      opened.push(source)
      return source
    }
    beforeAll(async () => {
      store = await start()
    })
    afterEach(async () => {
      store.recover?.()
      await Promise.all(opened.splice(0).map((source) => source.close?.()))
    })
    afterAll(() => store.close())

    test('nothing is asked before a key is needed', () => {
      const source = open('there-is-no-such-key')
      expect(source.name).toContain('there-is-no-such-key')
    })

    test('keys asked for many times at once are the same', async () => {
      const source = open(await store.createKey(alg))
      const all = await Promise.all(Array.from({ length: 10 }, () => source.keys()))
      const first = readOnly(all[0])
      for (const keys of all) expect(readOnly(keys)).toBe(first)
      expect(readOnly(await source.keys({ renew: true }))).toBe(first)
    })

    test.each([
      ['another type of key', 'RS256'],
      ['another curve', 'ES384'],
      ['another type of curve', 'EdDSA'],
    ] as const)('an algorithm of %s is refused by its name: %s', async (_, misfit) => {
      const source = open(await store.createKey(alg), { alg: misfit })
      const error = await findError(source.keys())
      expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason: 'unsupported-algorithm' })
      expect(error.message).toContain(`"${misfit}"`)
    })

    test('a key that is not there is told by its name, and found once it is', async () => {
      const error = await findError(open('there-is-no-such-key').keys())
      expect(error).toMatchObject({
        code: 'ERR_KEY_UNAVAILABLE',
        reason: reasons?.['not-found'] ?? 'not-found',
        message: expect.stringContaining('there-is-no-such-key'),
      })
    })

    test('an explicit "kid" names the key', async () => {
      const key = await store.createKey(alg)
      const settings = { kid: 'my-name' }
      const source = keep(store.openVersion?.(key, settings) ?? store.open(key, settings))
      const { kid, hasExplicitKid } = readOnly(await source.keys())
      expect({ kid, hasExplicitKid }).toEqual({ kid: 'my-name', hasExplicitKid: true })
    })

    test('a key that is removed says so when it is to sign, and is no longer published', async () => {
      const key = await store.createKey(alg)
      const source = open(key)
      const signer = readOnly(await source.keys())
      await store.destroy(key)
      const gone = [reasons?.['not-found'] ?? 'not-found', reasons?.disabled ?? 'disabled']
      const error = await findError(sign(signer))
      expect(error).toMatchObject({ code: 'ERR_SIGN', kid: signer.kid })
      expect(gone).toContain(error.reason)
      const failure = await findError(source.keys({ renew: true }))
      expect(gone).toContain(failure.reason)
    })

    test('a store that nobody listens at is an error within the deadline', async (context) => {
      const source = store.openNowhere?.('a-key')
      if (!source) return context.skip()
      const error = await findError(keep(source).keys())
      expect(['unavailable', 'timeout']).toContain(error.reason)
    }, 30_000)

    test('wrong credentials are told as such, and are in no message', async (context) => {
      const source = store.openAsStranger?.(await store.createKey(alg))
      if (!source) return context.skip()
      const error = await findError(keep(source).keys())
      expect(error.reason).toBe(reasons?.credentials ?? 'credentials')
      expect(describeAll(error)).not.toMatch(/wrong-secret/)
    })

    test('a permission that is missing is told as such', async (context) => {
      if (!store.deny) return context.skip()
      const key = await store.createKey(alg)
      await store.deny(key)
      const error = await findError(open(key).keys())
      expect(error.reason).toBe('denied')
    })

    describe('over time', () => {
      test('a rotation between two signatures changes neither key nor name', async (context) => {
        if (!store.rotate) return context.skip()
        const key = await store.createKey(alg)
        const source = open(key, { wait: 0 })
        const first = readOnly(await source.keys())
        await verify(first, await sign(first))
        await store.rotate(key)
        await verify(first, await sign(first))
        const renewed = await source.keys({ renew: true })
        const second = readNewest(renewed)
        expect(second.kid).not.toBe(first.kid)
        await verify(second, await sign(second))
        // The one that other replicas still sign with
        expect(renewed.map(({ signer }) => signer.kid)).toContain(first.kid)
      })

      test('a new version is published at once, and waits before it signs', async (context) => {
        if (!hasVersions || !store.rotate) return context.skip()
        const key = await store.createKey(alg)
        await store.rotate(key)
        const now = Date.now() / 1000
        const [first, second, ...others] = await open(key, { wait: 3600 }).keys()
        expect(others).toEqual([])
        expect(first?.notBefore).toBeUndefined()
        expect(second?.notBefore).toBeGreaterThan(now + 3500)
        expect(second?.notBefore).toBeLessThan(now + 3700)
        expect(first?.notAfter).toBe((second?.notBefore ?? 0) + 3600)
        expect(second?.notAfter).toBeUndefined()
      })

      test('a version that is named stays alone', async (context) => {
        if (!store.openVersion || !store.rotate) return context.skip()
        const key = await store.createKey(alg)
        const { kid } = readOnly(await open(key).keys())
        await store.rotate(key)
        const keys = await keep(store.openVersion(key)).keys()
        expect(keys.map(({ signer }) => signer.kid)).toEqual([kid])
        await verify(readOnly(keys), await sign(readOnly(keys)))
      })

      test('a name that may become another key has no "kid"', async (context) => {
        if (!store.openVersion) return context.skip()
        const key = await store.createKey(alg)
        expect(() => store.open(key, { kid: 'one' })).toThrow('"kid" names one key for ever')
      })

      test('a version that is switched off signs no more, and the next one does', async (context) => {
        if (!store.disable || !store.rotate) return context.skip()
        const key = await store.createKey(alg)
        const source = open(key, { wait: 3600 })
        const first = readOnly(await source.keys())
        await store.rotate(key)
        await store.disable(key)
        const error = await findError(sign(first))
        expect(error).toMatchObject({
          code: 'ERR_SIGN',
          kid: first.kid,
          reason: reasons?.disabled ?? 'disabled',
        })
        const keys = await source.keys({ renew: true })
        const next = readOnly(keys)
        expect(next.kid).not.toBe(first.kid)
        // There is no other one that could sign while it waits
        expect(keys[0]?.notBefore ?? 0).toBeLessThanOrEqual(Date.now() / 1000)
        await verify(next, await sign(next))
      })
    })

    describe('a store that misbehaves', () => {
      test.each(['throttled', 'unavailable'] as const)(
        'once %s: it is asked again',
        async (fault) => {
          if (!store.misbehave) return
          const source = open(await store.createKey(alg))
          store.misbehave(fault, 1)
          const signer = readOnly(await source.keys())
          store.misbehave(fault, 1)
          await verify(signer, await sign(signer))
        },
      )

      test.each([
        ['throttled', 'throttled'],
        ['unavailable', 'unavailable'],
        ['hanging', 'timeout'],
      ] as const)(
        '%s for ever: an error in time, and the next one after it works',
        async (fault, reason) => {
          if (!store.misbehave) return
          const source = open(await store.createKey(alg))
          store.misbehave(fault, Number.POSITIVE_INFINITY)
          const error = await findError(source.keys())
          expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason })
          store.recover?.()
          const signer = readOnly(await source.keys())
          store.misbehave(fault, Number.POSITIVE_INFINITY)
          expect(await findError(sign(signer))).toMatchObject({ code: 'ERR_SIGN', reason })
          store.recover?.()
          await verify(signer, await sign(signer))
        },
        30_000,
      )

      test('what is known outlasts a store that is away, which is reported', async () => {
        if (!store.misbehave) return
        const source = open(await store.createKey(alg))
        const signer = readOnly(await source.keys())
        store.misbehave('unavailable', Number.POSITIVE_INFINITY)
        const reported: unknown[] = []
        const report = (error: unknown) => reported.push(error)
        const keys = await source.keys({ renew: true, report })
        expect(readOnly(keys)).toBe(signer)
        expect(reported).toMatchObject([{ reason: 'unavailable' }])
      })

      test('a hundred signatures while it hangs all end in time', async () => {
        if (!store.misbehave) return
        const source = open(await store.createKey(alg))
        const signer = readOnly(await source.keys())
        store.misbehave('hanging', Number.POSITIVE_INFINITY)
        const before = store.signRequests?.() ?? 0
        const all = Array.from({ length: 100 }, () => findError(sign(signer)))
        const errors = await Promise.all(all)
        expect(new Set(errors.map(({ reason }) => reason))).toEqual(new Set(['timeout']))
        // Whoever still waited for a turn was given up too, and did not begin to wait for an answer
        if (store.signRequests) expect(store.signRequests() - before).toBeLessThan(all.length)
      }, 30_000)
    })
  })
}

function readOnly(keys: readonly TimedSigner[] | undefined): Signer {
  const [first, ...others] = keys ?? []
  if (!first || others.length > 0) throw new TypeError(`there are ${keys?.length} keys, not one`)
  return first.signer
}

function readNewest(keys: readonly TimedSigner[]): Signer {
  const [newest] = keys.toSorted((a, b) => (b.notBefore ?? 0) - (a.notBefore ?? 0))
  if (!newest) throw new TypeError('there is no key')
  return newest.signer
}

async function sign(signer: Signer): Promise<string> {
  const input = `${encode(JSON.stringify({ alg: signer.alg }))}.${encode('a text')}`
  const signature = await signer.sign(Buffer.from(input, 'ascii'))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

async function verify(signer: Signer, jws: string): Promise<void> {
  await compactVerify(jws, await importJWK({ ...signer.publicJwk }, signer.alg))
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
