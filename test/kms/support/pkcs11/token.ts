/**
 * A second hand on the same module, beside the source that is tested: it makes keys and removes them,
 * and takes sessions away.
 *
 * @module
 */

import { createRequire } from 'node:module'
import type { JwsAlgorithm } from '@countersign/core/keys'
import type * as Pkcs11js from 'pkcs11js'
import { pin } from './softhsm.ts'

const require = createRequire(import.meta.url)

/** What is made: a kind of key, and attributes besides the usual ones of its private half. */
export interface NewKey {
  readonly object: string
  readonly id?: Buffer
  readonly kind: KeyKind
  /** Attributes of the private key that are other than usual. */
  readonly attributes?: Pkcs11js.Template
  /** Its first and last day, as eight digits; of the public half, where SoftHSM can read them. */
  readonly days?: readonly [first: string, last?: string]
  /** Whether the token keeps a public key beside it. Default: it does. */
  readonly hasPublicKey?: boolean
}

/** What keys are made for. */
export type KeyKind = 'rsa' | 'p256' | 'p384' | 'p521' | 'ed25519' | 'secp256k1'

const parameters: Readonly<Record<Exclude<KeyKind, 'rsa'>, string>> = {
  p256: '06082a8648ce3d030107',
  p384: '06052b81040022',
  p521: '06052b81040023',
  ed25519: '06032b6570',
  secp256k1: '06052b8104000a',
}

/** The kind of key that an algorithm takes. */
export function kindOf(alg: JwsAlgorithm): KeyKind {
  if (alg === 'ES256') return 'p256'
  if (alg === 'ES384') return 'p384'
  if (alg === 'ES512') return 'p521'
  return alg.startsWith('Ed') ? 'ed25519' : 'rsa'
}

/** The module in the test's own hand. */
export interface TestModule {
  readonly cryptoki: Pkcs11js.PKCS11
  /** The slots of all tokens, by label. */
  slot(token: string): Buffer
  /** Does something in a session that is logged in, and closes it. */
  inSession<Value>(
    token: string,
    act: (session: Buffer) => Value,
    login?: { readonly user: number; readonly pin: string },
  ): Value
  createKey(token: string, key: NewKey): void
  /** Removes what has this label, of every class. */
  destroy(token: string, object: string): void
  /** Sets the first or the last day of a key, of its public half. */
  setDay(
    token: string,
    object: string,
    day: { readonly id: Buffer; readonly which: 'first' | 'last'; readonly value: string },
  ): void
  /** Makes the public key of an EC key anew, with its bare point in place of an OCTET STRING. */
  unwrapPoint(token: string, object: string): void
}

const [CKF_RW, CKU_USER] = [0x04 | 0x02, 1]

/** Loads the module, and initialises it unless somebody has. */
export function openTestModule(modulePath: string): TestModule {
  const loaded: typeof Pkcs11js = require('pkcs11js')
  const cryptoki = new loaded.PKCS11(modulePath)
  try {
    cryptoki.C_Initialize({ flags: 2 })
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('ALREADY_INITIALIZED'))) throw error
  }

  function slot(token: string): Buffer {
    const found = cryptoki
      .C_GetSlotList(true)
      .find((one) => cryptoki.C_GetTokenInfo(one).label.trimEnd() === token)
    if (!found) throw new TypeError(`there is no token "${token}"`)
    return found
  }

  function inSession<Value>(
    token: string,
    act: (session: Buffer) => Value,
    login = { user: CKU_USER, pin },
  ): Value {
    const session = cryptoki.C_OpenSession(slot(token), CKF_RW)
    try {
      logIn(session, login)
      return act(session)
    } finally {
      cryptoki.C_CloseSession(session)
    }
  }

  function logIn(session: Buffer, login: { readonly user: number; readonly pin: string }): void {
    try {
      cryptoki.C_Login(session, login.user, login.pin)
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('ALREADY_LOGGED_IN'))) throw error
    }
  }

  function find(session: Buffer, object: string, kind?: number, id?: Buffer): readonly Buffer[] {
    cryptoki.C_FindObjectsInit(session, [
      { type: 0x03, value: object },
      ...(id ? [{ type: 0x102, value: id }] : []),
      ...(kind === undefined ? [] : [{ type: 0x00, value: kind }]),
    ])
    const found = cryptoki.C_FindObjects(session, 20)
    cryptoki.C_FindObjectsFinal(session)
    return found
  }

  return {
    cryptoki,
    slot,
    inSession,
    createKey(token, { object, id, kind, attributes = [], days = [''], hasPublicKey = true }) {
      const named = [{ type: 0x03, value: object }, ...(id ? [{ type: 0x102, value: id }] : [])]
      const isRsa = kind === 'rsa'
      const mechanism = isRsa ? 0x00 : kind === 'ed25519' ? 0x1055 : 0x1040
      const shape = isRsa
        ? [
            { type: 0x121, value: 2048 },
            { type: 0x122, value: Buffer.from([1, 0, 1]) },
          ]
        : [{ type: 0x180, value: Buffer.from(parameters[kind], 'hex') }]
      const changed = new Set(attributes.map(({ type }) => type))
      const usual = [
        { type: 0x01, value: true },
        { type: 0x02, value: true },
        { type: 0x103, value: true },
        { type: 0x162, value: false },
        { type: 0x108, value: true },
      ].filter(({ type }) => !changed.has(type))
      inSession(token, (session) => {
        const [first, last = ''] = days
        const open = [
          { type: 0x01, value: hasPublicKey },
          { type: 0x02, value: false },
          ...(first === '' ? [] : [{ type: 0x110, value: Buffer.from(first) }]),
          ...(last === '' ? [] : [{ type: 0x111, value: Buffer.from(last) }]),
          ...shape,
        ]
        cryptoki.C_GenerateKeyPair(
          session,
          { mechanism },
          [...named, ...open, { type: 0x10a, value: true }],
          [...named, ...usual, ...attributes],
        )
      })
    },
    destroy(token, object) {
      inSession(token, (session) => {
        for (const handle of find(session, object)) cryptoki.C_DestroyObject(session, handle)
      })
    },
    setDay(token, object, { id, which, value }) {
      const type = which === 'first' ? 0x110 : 0x111
      inSession(token, (session) => {
        for (const handle of find(session, object, 2, id)) {
          cryptoki.C_SetAttributeValue(session, handle, [{ type, value: Buffer.from(value) }])
        }
      })
    },
    unwrapPoint(token, object) {
      inSession(token, (session) => {
        const [handle] = find(session, object, 2)
        if (!handle) throw new TypeError(`there is no public key "${object}"`)
        const types = [0x00, 0x01, 0x02, 0x03, 0x100, 0x102, 0x10a, 0x180, 0x181]
        const attributes = types.map((type) => {
          const [read] = cryptoki.C_GetAttributeValue(session, handle, [{ type }])
          const value = read?.value ?? Buffer.alloc(0)
          return { type, value: type === 0x181 ? value.subarray(2) : value }
        })
        cryptoki.C_DestroyObject(session, handle)
        cryptoki.C_CreateObject(session, attributes)
      })
    },
  }
}
