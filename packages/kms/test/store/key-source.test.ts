import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { KeyError } from '@countersign/core/keys'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createKeyStoreSource, type KeyStoreSettings } from '../../src/store/key-source.ts'
import { createMemoryStore, MemoryStoreError } from './memory-store.ts'

function open(settings: Partial<KeyStoreSettings> = {}, concurrency?: number) {
  const memory = createMemoryStore(concurrency)
  const load = vi.fn(async () => memory.store)
  const source = createKeyStoreSource(load, { name: 'memory:key', ...settings })
  const kids = async (renew = false) =>
    (await source.keys({ renew })).map(({ signer }) => signer.kid)
  const readOne = async () => {
    const [key] = await source.keys()
    if (!key) throw new TypeError('there is no key')
    return key.signer
  }
  return { ...memory, load, source, kids, readOne }
}

async function findError(promise: Promise<unknown>): Promise<KeyError> {
  const error = await promise.catch((reason: unknown) => reason)
  if (error instanceof KeyError) return error
  throw new TypeError('it did not fail as it should', { cause: error })
}

describe('the keys', () => {
  test('are read when they are first asked for, once for all who ask', async () => {
    const { addVersion, load, store, source } = open()
    addVersion()
    expect(load).not.toHaveBeenCalled()
    const [one, other] = await Promise.all([source.keys(), source.keys()])
    expect(one).toBe(other)
    expect(await source.keys()).toBe(one)
    expect(load).toHaveBeenCalledOnce()
    expect(store.readVersions).toHaveBeenCalledOnce()
  })

  test('a failure to load, or to read, is not remembered', async () => {
    const { addVersion, load, store, kids } = open()
    addVersion()
    load.mockRejectedValueOnce(new KeyError('ERR_KEY_UNAVAILABLE', 'install it'))
    await expect(kids()).rejects.toThrow('install it')
    store.readVersions.mockRejectedValueOnce(new MemoryStoreError('no', { reason: 'denied' }))
    expect(await findError(kids())).toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      reason: 'denied',
      message:
        'memory:key may not be used: grant this process the permission to sign and to read the public key',
      cause: { message: 'no' },
    })
    expect(await kids()).toHaveLength(1)
  })

  test('a version keeps its signer, and its public half is not asked for again', async () => {
    const { addVersion, store, source } = open({ wait: 0 })
    addVersion({ createdAt: 1 })
    const [first] = await source.keys()
    addVersion({ createdAt: 2 })
    const renewed = await source.keys({ renew: true })
    expect(renewed[0]?.signer).toBe(first?.signer)
    expect(renewed).toHaveLength(2)
    const { known } = store.readVersions.mock.lastCall?.[0] ?? {}
    expect([...(known?.keys() ?? [])]).toEqual(['version-1'])
  })

  test('no version at all is a key that is disabled', async () => {
    expect(await findError(open().kids())).toMatchObject({
      reason: 'disabled',
      message: 'memory:key is disabled: it has no version that is enabled',
    })
  })
})

describe('looking again', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  test('happens in the background after a minute', async () => {
    const { addVersion, store, kids } = open()
    addVersion()
    const [first] = await kids()
    addVersion()
    vi.advanceTimersByTime(59_000)
    expect(await kids()).toEqual([first])
    expect(store.readVersions).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(1_000)
    expect(await kids()).toEqual([first])
    await vi.waitFor(async () => expect(await kids()).toHaveLength(2), { timeout: 20_000 })
    expect(store.readVersions).toHaveBeenCalledTimes(2)
  })

  test('is waited for after five minutes: a JWK Set of yesterday lacks the next key', async () => {
    const { addVersion, kids } = open()
    addVersion()
    await kids()
    addVersion()
    vi.advanceTimersByTime(300_000)
    expect(await kids()).toHaveLength(2)
  })

  test('that fails leaves the last good keys, is reported, and is tried again later', async () => {
    const { addVersion, store, source } = open()
    addVersion()
    const keys = await source.keys()
    const report = vi.fn()
    store.readVersions.mockRejectedValue(new MemoryStoreError('down', { reason: 'unavailable' }))
    vi.advanceTimersByTime(300_000)
    expect(await source.keys({ report })).toBe(keys)
    expect(report).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ reason: 'unavailable' }),
    )
    vi.advanceTimersByTime(9_999)
    await source.keys({ report })
    expect(store.readVersions).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(1)
    expect(await source.keys({ report })).toBe(keys)
    expect(store.readVersions).toHaveBeenCalledTimes(3)
  })

  test('that finds the key gone or disabled forgets it', async () => {
    const { addVersion, store, source } = open()
    addVersion()
    await source.keys()
    store.readVersions.mockRejectedValue(new MemoryStoreError('gone', { reason: 'not-found' }))
    const error = await findError(source.keys({ renew: true }))
    expect(error.message).toBe(
      'memory:key does not exist: check its name, and the account and region that it is in',
    )
    expect((await findError(source.keys())).reason).toBe('not-found')
  })
})

describe('what is configured', () => {
  test.each([
    ['wait', '3600'],
    ['wait', Number.NaN],
    ['renewAfter', -1],
    ['notBefore', '2030-01-01'],
    ['notAfter', Number.POSITIVE_INFINITY],
    ['alg', 'HS256'],
    ['kid', ''],
  ])('%s of %j is a TypeError at once', (name, value) => {
    expect(() => open({ [name]: value })).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(`"${name}"`) }),
    )
  })
})

describe('a look that takes long', () => {
  test('keeps nobody waiting for its end while there are good keys', async () => {
    const { addVersion, store, source } = open({ renewAfter: 0 })
    addVersion()
    const keys = await source.keys()
    const report = vi.fn()
    store.readVersions.mockImplementation(() => new Promise(() => undefined))
    expect(await source.keys({ report })).toBe(keys)
    // As it would be if the look were over
    expect(report).not.toHaveBeenCalled()
  })

  test('and began before a key failed is followed by another one', async () => {
    const { addVersion, store, versions, source, kids } = open({ renewAfter: 0, wait: 0 })
    addVersion({ createdAt: 1 })
    await kids()
    const old = [...versions]
    let finish = () => {}
    store.readVersions.mockImplementationOnce(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return old
    })
    await source.keys()
    const renewed = kids(true)
    addVersion({ createdAt: 2 })
    finish()
    expect(await renewed).toHaveLength(2)
  })

  test('that fails is reported once, however many wait', async () => {
    const { addVersion, store, source } = open({ renewAfter: 0 })
    addVersion()
    await source.keys()
    const report = vi.fn()
    store.readVersions.mockRejectedValue(new MemoryStoreError('no', { reason: 'unavailable' }))
    await Promise.all(Array.from({ length: 50 }, () => source.keys({ report })))
    expect(report).toHaveBeenCalledOnce()
  })
})

describe('signing', () => {
  test('waits for its turn', async () => {
    const { addVersion, store, readOne } = open({}, 2)
    addVersion()
    const signer = await readOne()
    let [now, most] = [0, 0]
    const { sign } = { sign: store.sign.getMockImplementation() }
    store.sign.mockImplementation(async (...request) => {
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setTimeout(resolve, 2))
      now -= 1
      return (await sign?.(...request)) ?? new Uint8Array()
    })
    await Promise.all(Array.from({ length: 20 }, () => signer.sign(Buffer.from('x'))))
    expect(most).toBe(2)
  })

  test.each([
    ['as often as it helps', [0, 0], 3, undefined],
    ['three times at the most', [0, 0, 0], 3, 'throttled'],
    ['not where the store does not say so', [undefined], 1, 'throttled'],
    ['not when there is no time left for it', [4_500], 1, 'throttled'],
  ] as const)('is tried again %s', async (_, answers, calls, reason) => {
    const { addVersion, store, readOne } = open()
    addVersion()
    const signer = await readOne()
    for (const retryAfter of answers) {
      const failure = { reason: 'throttled' as const, retryAfter }
      store.sign.mockRejectedValueOnce(new MemoryStoreError('slow down', failure))
    }
    const result = await signer.sign(Buffer.from('x')).catch((error: KeyError) => error.reason)
    if (reason) expect(result).toBe(reason)
    else expect(result).toBeInstanceOf(Uint8Array)
    expect(store.sign).toHaveBeenCalledTimes(calls)
  })

  test('an abort is honoured while it waits for its turn, and the store is not asked', async () => {
    const { addVersion, store, readOne } = open({}, 1)
    addVersion()
    const signer = await readOne()
    store.sign.mockImplementationOnce(() => new Promise(() => undefined))
    const controllers = [new AbortController(), new AbortController()]
    const signing = controllers.map(({ signal }) =>
      findError(signer.sign(Buffer.of(1), { signal })),
    )
    controllers[1]?.abort(new DOMException('late', 'TimeoutError'))
    expect(await signing[1]).toMatchObject({ code: 'ERR_SIGN', reason: 'timeout', kid: signer.kid })
    controllers[0]?.abort()
    expect(await signing[0]).toMatchObject({ code: 'ERR_SIGN', reason: undefined })
    expect(await signer.sign(Buffer.of(1))).toHaveLength(64)
    expect(store.sign).toHaveBeenCalledTimes(2)
  })

  test('an error that says nothing of itself is one of ours all the same', async () => {
    const { addVersion, store, readOne } = open()
    addVersion()
    const signer = await readOne()
    store.sign.mockRejectedValueOnce(new TypeError('x is not a function'))
    expect(await findError(signer.sign(Buffer.of(1)))).toMatchObject({
      code: 'ERR_SIGN',
      reason: undefined,
      message: 'memory:key failed: see the cause',
      cause: { name: 'TypeError', message: 'x is not a function' },
    })
  })

  test('an error that is its own cause is cut off', async () => {
    const { addVersion, store, readOne } = open()
    addVersion()
    const signer = await readOne()
    const circle = new Error('round')
    circle.cause = circle
    store.sign.mockRejectedValueOnce(circle)
    const messages = []
    let error: unknown = await findError(signer.sign(Buffer.of(1)))
    while (error instanceof Error) {
      messages.push(error.message)
      error = error.cause
    }
    expect(messages).toHaveLength(6)
  })

  test('what a vendor hangs on its errors stays behind', async () => {
    const { addVersion, store, readOne } = open()
    addVersion()
    const signer = await readOne()
    const theirs = new Error('denied', { cause: new Error('inner') })
    Object.assign(theirs, { code: 'EDENIED', request: { headers: { authorization: 'sesame' } } })
    store.sign.mockRejectedValueOnce(theirs)
    const { cause } = await findError(signer.sign(Buffer.of(1)))
    expect(cause).toMatchObject({ message: 'denied', code: 'EDENIED', cause: { message: 'inner' } })
    expect(JSON.stringify([cause, Object.getOwnPropertyDescriptors(cause)])).not.toContain('sesame')
  })
})

describe('the algorithm', () => {
  const generated = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  // Read again: Node 20 may wait for ever to export a key as a JWK that it has just generated
  const privateKey = createPrivateKey(generated.export({ type: 'pkcs8', format: 'pem' }))
  const rsa = {
    publicKey: createPublicKey(privateKey),
    algs: ['PS256', 'RS256', 'RS512'] as const,
  }
  test.each([
    [{}, 'RS256'],
    [{ defaultRsaAlg: 'PS256' }, 'PS256'],
    [{ defaultRsaAlg: 'PS512' }, 'PS256'],
    [{ alg: 'RS512' }, 'RS512'],
  ] as const)('of an RSA key with %j is %s', async (settings, alg) => {
    const { addVersion, readOne } = open(settings)
    addVersion(rsa)
    expect((await readOne()).alg).toBe(alg)
  })

  test.each([
    [
      'RS384',
      'memory:key cannot sign with "RS384": rsa of version-1 signs with PS256, RS256, RS512 only',
    ],
    [
      'ES256',
      'memory:key cannot sign with "ES256": "ES256" needs a key of type ec, and this one is rsa',
    ],
  ] as const)('%s is refused where the key cannot do it', async (alg, message) => {
    const { addVersion, kids } = open({ alg })
    addVersion(rsa)
    expect(await findError(kids())).toMatchObject({ reason: 'unsupported-algorithm', message })
  })

  test('a version that cannot do it is passed over, and ends no other', async () => {
    const { addVersion, source } = open({ wait: 10 })
    const first = addVersion({ createdAt: 1 })
    addVersion({ ...rsa, algs: [], createdAt: 2 })
    const keys = await source.keys()
    expect(keys).toHaveLength(1)
    expect(keys[0]?.notAfter).toBeUndefined()
    expect(first.ref).toBe('version-1')
  })

  test('there must be one', async () => {
    const { addVersion, kids } = open()
    addVersion({ algs: [] })
    expect((await findError(kids())).message).toBe(
      'memory:key cannot sign: ec prime256v1 of version-1 signs with no algorithm of JOSE only',
    )
  })
})

test('one "kid" cannot name several versions', async () => {
  const { addVersion, source, kids } = open({ kid: 'mine' })
  addVersion()
  expect(await kids()).toEqual(['mine'])
  addVersion()
  const report = vi.fn()
  await source.keys({ renew: true, report })
  expect(report.mock.lastCall?.[0]).toMatchObject({
    message:
      'memory:key has several versions, which cannot all be named by one "kid": name the version',
  })
  expect(await kids()).toEqual(['mine'])
})

test('closing closes the store, where it was opened', async () => {
  const { addVersion, load, store, source, kids } = open()
  await source.close?.()
  expect(load).not.toHaveBeenCalled()
  addVersion()
  await kids()
  await source.close?.()
  expect(store.close).toHaveBeenCalledOnce()
})
