/**
 * Sessions, logins and PINs of PKCS#11 tokens, when others have their hands on them too.
 *
 * @module
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeySource } from '@countersign/core/keys'
import { createUriKeySource, type Pkcs11Options, pkcs11 } from '@countersign/kms/pkcs11'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { describeAll, findError } from '../support/key-error.ts'
import { readSigner, signAndVerify } from './support/pkcs11/signatures.ts'
import {
  officerPin,
  pin,
  type SoftHsm,
  skipReason,
  startSoftHsm,
  title,
} from './support/pkcs11/softhsm.ts'
import { openTestModule, type TestModule } from './support/pkcs11/token.ts'

const officer = { user: 0, pin: officerPin }

describe.skipIf(skipReason !== undefined)(title('PKCS#11 sessions'), () => {
  let hsm: SoftHsm
  let module: TestModule
  const sources: KeySource[] = []

  beforeAll(async () => {
    hsm = await startSoftHsm(['one', 'pins', 'files'])
    module = openTestModule(hsm.modulePath)
    module.createKey('one', { object: 'ec', id: Buffer.from([1]), kind: 'p256' })
    module.createKey('one', { object: 'rsa', id: Buffer.from([2]), kind: 'rsa' })
    module.createKey('pins', { object: 'ec', id: Buffer.from([1]), kind: 'p256' })
    module.createKey('files', { object: 'ec', id: Buffer.from([1]), kind: 'p256' })
  })
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close?.()))
  })
  afterAll(() => hsm?.close())

  function open(object: string, settings: Partial<Pkcs11Options> = {}): KeySource {
    const { modulePath } = hsm
    return keep(pkcs11({ modulePath, token: 'one', object, pin, ...settings }))
  }

  function keep(source: KeySource): KeySource {
    sources.push(source)
    return source
  }

  /** SoftHSM does not tell how many there are; but it numbers them, with other things, from 1 on. */
  function countSessions(): number {
    const last = module.cryptoki.C_OpenSession(module.slot('one'), 4)
    module.cryptoki.C_CloseSession(last)
    const all = Array.from({ length: Number(last.readBigUInt64LE()) }, (_, index) => {
      const handle = Buffer.alloc(last.length)
      handle.writeBigUInt64LE(BigInt(index + 1))
      return handle
    })
    return all.filter((handle) => {
      try {
        return module.cryptoki.C_GetSessionInfo(handle).flags > 0
      } catch {
        return false
      }
    }).length
  }

  test.each([
    [undefined, 2],
    [1, 1],
    [3, 3],
  ] as const)('many signatures at once take %s sessions, by default 2', async (sessions, most) => {
    const signer = await readSigner(open('rsa', { sessions }))
    const seen = new Set<number>()
    const watch = setInterval(() => seen.add(countSessions()))
    await Promise.all(Array.from({ length: 50 }, (_, index) => signAndVerify(signer, `${index}`)))
    clearInterval(watch)
    // They stay open: what the watch was too late to see is there now
    seen.add(countSessions())
    expect(Math.max(...seen)).toBe(most)
  })

  test('an RSA signature does not hold the event loop', async () => {
    const signer = await readSigner(open('rsa'))
    let isDone = false
    const signing = signer.sign(Buffer.from('x')).finally(() => {
      isDone = true
    })
    // What is made in the way is done before the event loop turns; what a thread made is told after that
    for (let turn = 0; turn < 1000; turn++) await Promise.resolve()
    expect(isDone).toBe(false)
    await signing
  })

  test('an operation that was given up keeps its session until it ends', async () => {
    const signer = await readSigner(open('rsa'))
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController()
      const { signal } = controller
      const given = Array.from({ length: 4 }, () => signer.sign(Buffer.from('x'), { signal }))
      setImmediate(() => controller.abort())
      await Promise.allSettled(given)
      expect(countSessions()).toBeLessThanOrEqual(2)
      await Promise.all(Array.from({ length: 4 }, () => signAndVerify(signer)))
    }
  })

  test('sessions that somebody else closed are opened again', async () => {
    const source = open('ec')
    const signer = await readSigner(source)
    module.cryptoki.C_CloseAllSessions(module.slot('one'))
    await signAndVerify(signer)
    module.cryptoki.C_CloseAllSessions(module.slot('one'))
    await Promise.all(Array.from({ length: 10 }, () => signAndVerify(signer)))
    module.cryptoki.C_CloseAllSessions(module.slot('one'))
    expect(await source.keys({ renew: true })).toMatchObject([{ signer: { kid: signer.kid } }])
  })

  test('a login that somebody else ended is made again', async () => {
    const source = open('ec')
    const signer = await readSigner(source)
    const logOut = () => module.inSession('one', (session) => module.cryptoki.C_Logout(session))
    logOut()
    await signAndVerify(signer)
    logOut()
    // Who is not logged in sees no private keys, which is no error of the module's
    const reported: unknown[] = []
    const report = (error: unknown) => reported.push(error)
    expect(await source.keys({ renew: true, report })).toMatchObject([
      { signer: { kid: signer.kid } },
    ])
    expect(reported).toEqual([])
    await signAndVerify(signer)
  })

  test('a module that somebody else finalized is initialized again', async () => {
    const source = open('ec')
    const signer = await readSigner(source)
    module.cryptoki.C_Finalize()
    await signAndVerify(signer)
    await Promise.all(Array.from({ length: 10 }, () => signAndVerify(signer)))
    await source.close?.()
    module.cryptoki.C_Initialize({ flags: 2 })
  })

  test('two sources have one login, and the one outlasts the other', async () => {
    const [ec, rsa] = [open('ec'), open('rsa')]
    const [first, second] = [await readSigner(ec), await readSigner(rsa)]
    await Promise.all([signAndVerify(first), signAndVerify(second)])
    await ec.close?.()
    await signAndVerify(second)
  })

  test('closing twice is closing once, and leaves no session', async () => {
    const source = open('ec')
    await signAndVerify(await readSigner(source))
    expect(countSessions()).toBeGreaterThan(0)
    await source.close?.()
    await source.close?.()
    expect(countSessions()).toBe(0)
    // It was initialised by the test, and so is left to it
    expect(module.cryptoki.C_GetInfo().manufacturerID).toContain('SoftHSM')
  })

  test('a key that is made anew under the same name and id is another key', async () => {
    const [object, id] = ['again', Buffer.from([7])]
    module.createKey('one', { object, id, kind: 'p256' })
    const source = open(object)
    const first = await readSigner(source)
    module.destroy('one', object)
    module.createKey('one', { object, id, kind: 'p256' })
    expect(await findError(first.sign(Buffer.from('x')))).toMatchObject({ reason: 'not-found' })
    const [second] = await source.keys({ renew: true })
    expect(second?.signer.kid).not.toBe(first.kid)
    if (second) await signAndVerify(second.signer)
  })

  test('a key that another process imports is seen', async () => {
    const source = open('imported')
    expect(await findError(source.keys())).toMatchObject({ reason: 'not-found' })
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    const id = randomBytes(4).toString('hex')
    await hsm.importKey({ token: 'one', object: 'imported', id, pem: privateKey })
    await signAndVerify(await readSigner(source))
  })

  test('a PIN that was refused is never tried again, and another one is', async () => {
    let given = 'first-wrong'
    const source = open('ec', { token: 'pins', pin: () => given })
    const error = await findError(source.keys())
    expect(error).toMatchObject({ reason: 'credentials' })
    expect(error.message).toContain('its PIN is wrong')
    // From now on it would be right: that nobody sees it proves that nobody tries it
    module.inSession('pins', (session) => module.cryptoki.C_InitPIN(session, given), officer)
    const tries = Array.from({ length: 8 }, () => findError(source.keys()))
    const others = open('ec', { token: 'pins', pin: given })
    for (const refused of await Promise.all([...tries, findError(others.keys())])) {
      expect(refused).toMatchObject({ reason: 'credentials' })
      expect(refused.message).toContain('refused before')
      expect(describeAll(refused)).not.toContain(given)
    }
    expect(describeAll(error)).not.toContain(given)
    given = 'second-right'
    module.inSession('pins', (session) => module.cryptoki.C_InitPIN(session, given), officer)
    await signAndVerify(await readSigner(source))
  })

  test('ten that ask at once try a wrong PIN once', async () => {
    let asked = 0
    const wrong = () => `wrong-${++asked}`
    const source = open('ec', { pin: wrong })
    await Promise.all(Array.from({ length: 10 }, () => findError(source.keys())))
    expect(asked).toBe(1)
  })

  test('a PIN file is read at each login', async () => {
    const path = join(hsm.folder, 'pin')
    writeFileSync(path, 'file-wrong\n')
    const source = keep(
      createUriKeySource(
        {
          name: 'pkcs11:token=files;object=ec',
          parts: { token: 'files', object: 'ec' },
          parameters: { 'module-path': hsm.modulePath, 'pin-source': `file:${path}` },
        },
        { defaultRsaAlg: 'RS256' },
      ),
    )
    expect(await findError(source.keys())).toMatchObject({ reason: 'credentials' })
    writeFileSync(path, `${pin}\n`)
    await signAndVerify(await readSigner(source))
  })

  test.each([
    ['that throws', () => Promise.reject(new Error('my-pin')), 'failed'],
    ['that returns nothing', () => '', 'is empty'],
  ])('a PIN function %s is told without what it says', async (_, wrong, text) => {
    const error = await findError(open('ec', { pin: wrong }).keys())
    expect(error).toMatchObject({ reason: 'credentials' })
    expect(error.message).toContain(text)
    expect(describeAll(error)).not.toContain('my-pin')
  })
})
