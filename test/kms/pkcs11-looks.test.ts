/**
 * Looks at the keys on a PKCS#11 token while an operator works on it: a key that works goes on working,
 * and what did not change is not read again.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import type { KeySource } from '@countersign/core/keys'
import { pkcs11 } from '@countersign/kms/pkcs11'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findError } from '../support/key-error.ts'
import { readSigner, signAndVerify } from './support/pkcs11/signatures.ts'
import { pin, type SoftHsm, skipReason, startSoftHsm, title } from './support/pkcs11/softhsm.ts'
import { type NewKey, openTestModule, type TestModule } from './support/pkcs11/token.ts'
import { type WatchedModules, watchModules } from './support/pkcs11/watch.ts'

const token = 'token'
const privateKey = 3

describe.skipIf(skipReason !== undefined)(title('a look at a PKCS#11 token'), () => {
  let hsm: SoftHsm
  let module: TestModule
  let watched: WatchedModules
  const sources: KeySource[] = []
  let one: Buffer
  let two: Buffer

  beforeAll(async () => {
    hsm = await startSoftHsm([token])
    module = openTestModule(hsm.modulePath)
    watched = watchModules()
  })
  beforeEach(() => {
    one = randomBytes(8)
    two = randomBytes(8)
  })
  afterEach(async () => {
    watched.answers.clear()
    await Promise.all(sources.splice(0).map((source) => source.close?.()))
  })
  afterAll(() => {
    watched?.stop()
    hsm?.close()
  })

  function open(object: string): KeySource {
    const source = pkcs11({ modulePath: hsm.modulePath, token, object, pin })
    sources.push(source)
    return source
  }

  /** Looks again, and says which keys there are and what was reported. */
  async function look(source: KeySource) {
    const reported: unknown[] = []
    const report = (error: unknown) => reported.push(error)
    const keys = await source.keys({ renew: true, report })
    return { kids: keys.map(({ signer }) => signer.kid), keys, reported }
  }

  /** Has a search of objects answered in another way, by their class. */
  function answerFind(answer: (kind: number, handles: readonly Buffer[]) => readonly Buffer[]) {
    let kind = 0
    watched.answers.set('C_FindObjectsInit', (begin, [session, template]) => {
      kind = Array.isArray(template) ? template[0].value : 0
      return begin(session, template)
    })
    watched.answers.set('C_FindObjects', (find, parameters) => {
      const found = find(...parameters)
      return Array.isArray(found) ? answer(kind, found) : found
    })
  }

  const closeSessions = () => module.cryptoki.C_CloseAllSessions(module.slot(token))

  test('that finds a second key without dates leaves the first one to sign', async () => {
    const object = 'two'
    module.createKey(token, { object, id: one, kind: 'p256' })
    const source = open(object)
    const signer = await readSigner(source)
    module.createKey(token, { object, id: two, kind: 'p256' })
    watched.calls.length = 0
    const { kids, reported } = await look(source)
    expect(kids).toEqual([signer.kid])
    expect(reported).toMatchObject([{ message: expect.stringContaining('names 2 private keys') }])
    await signAndVerify(signer)
    expect(watched.calls).not.toContain('C_Login')
    // As after any loss: the key that signs is found among the others
    closeSessions()
    await signAndVerify(signer)
    await look(source)
    await signAndVerify(signer)

    module.setDay(token, object, { id: two, which: 'first', value: '20400101' })
    const dated = await look(source)
    expect(dated.reported).toEqual([])
    expect(dated.keys).toMatchObject([
      { signer: { kid: signer.kid }, notBefore: undefined },
      { notBefore: Date.UTC(2040, 0, 1) / 1000 },
    ])
    for (const key of dated.keys) await signAndVerify(key.signer)
  })

  test('that finds two keys without dates at first is told, and neither is chosen', async () => {
    const object = 'neither'
    for (const id of [one, two]) module.createKey(token, { object, id, kind: 'p256' })
    const error = await findError(open(object).keys())
    expect(error.message).toContain('names 2 private keys')
  })

  test.each<[string, Partial<NewKey>]>([
    ['that has no public half yet', { kind: 'p256', hasPublicKey: false }],
    ['on another curve', { kind: 'secp256k1' }],
    ['that may not sign', { kind: 'p256', attributes: [{ type: 0x108, value: false }] }],
  ])('passes over a key %s, while there is another', async (name, key) => {
    const object = `beside one ${name}`
    module.createKey(token, { object, id: one, kind: 'p256' })
    const source = open(object)
    const signer = await readSigner(source)
    module.createKey(token, { object, id: two, kind: 'p256', ...key })
    expect(await look(source)).toMatchObject({ kids: [signer.kid], reported: [] })
    closeSessions()
    await signAndVerify(signer)
    expect((await readSigner(open(object))).kid).toBe(signer.kid)
  })

  test('whose other objects cannot be read finds the one that signs', async () => {
    const object = 'unreadable'
    module.createKey(token, { object, id: one, kind: 'p256' })
    const source = open(object)
    const signer = await readSigner(source)
    module.createKey(token, { object, id: two, kind: 'p256' })
    closeSessions()
    let times = 0
    answerFind((kind, handles) => {
      if (kind !== privateKey) return handles
      times += 1
      // The first is a key that the module fails at
      return [Buffer.alloc(8, 0xff), ...handles]
    })
    await signAndVerify(signer)
    expect(times).toBeGreaterThan(0)
  })

  test.each([
    ['p256', 9],
    ['rsa', 10],
  ] as const)('at a key that did not change asks little: %s', async (kind, most) => {
    const object = `cheap ${kind}`
    module.createKey(token, { object, id: one, kind })
    const source = open(object)
    watched.calls.length = 0
    const signer = await readSigner(source)
    const first = watched.calls.length
    watched.calls.length = 0
    expect((await look(source)).kids).toEqual([signer.kid])
    expect(watched.calls.length).toBeLessThanOrEqual(most)
    expect(watched.calls.length).toBeLessThan(first / 2)
  })

  test('sees the days of a key that it knows', async () => {
    const object = 'ends'
    module.createKey(token, { object, id: one, kind: 'p256' })
    const source = open(object)
    await readSigner(source)
    module.setDay(token, object, { id: one, which: 'last', value: '20401231' })
    const { keys } = await look(source)
    expect(keys).toMatchObject([{ notAfter: Date.UTC(2041, 0, 1) / 1000 }])
  })

  test.each(['p256', 'rsa'] as const)(
    'sees another key behind the handle of one that is gone: %s',
    async (type) => {
      const object = `handle ${type}`
      module.createKey(token, { object, id: one, kind: type })
      const source = open(object)
      // SoftHSM gives no handle twice: here the handles of a class are the same again
      const real = new Map<string, Buffer>()
      answerFind((kind, handles) =>
        handles.map((handle, index) => {
          const given = Buffer.from([kind, index])
          real.set(given.toString('hex'), handle)
          return given
        }),
      )
      watched.answers.set('C_GetAttributeValue', (read, [session, handle, template]) =>
        read(session, resolve(handle), template),
      )
      watched.answers.set('C_SignInit', (begin, [session, mechanism, handle]) =>
        begin(session, mechanism, resolve(handle)),
      )
      const resolve = (given: unknown) =>
        Buffer.isBuffer(given) ? real.get(given.toString('hex')) : undefined

      const first = await readSigner(source)
      module.destroy(token, object)
      module.createKey(token, { object, id: one, kind: type })
      // Another source finds the new ones, behind the handles of the old ones
      const second = await readSigner(open(object))
      const { keys } = await look(source)
      expect(keys).toHaveLength(1)
      expect(keys[0]?.signer.kid).toBe(second.kid)
      expect(second.kid).not.toBe(first.kid)
      if (keys[0]) await signAndVerify(keys[0].signer)
    },
  )
})
