/**
 * Keys in PKCS#11 tokens: hardware security modules, smart cards, TPMs, SoftHSM.
 *
 * @see RFC 7512, 2.3–2.4
 * @see PKCS #11 Specification Version 3.1
 * @module
 */

import type { KeyPlace, KeySettings, KeySource } from '@countersign/core/keys'
import type * as pkcs11js from 'pkcs11js'
import { readFailure } from './pkcs11/failure.ts'
import { checkOrder, findKey, type KeyQuery, readKeys, type TokenKey } from './pkcs11/keys.ts'
import { buildOperation } from './pkcs11/mechanism.ts'
import { borrowModule } from './pkcs11/module.ts'
import { createPinSource, type PinSource, readPinSource } from './pkcs11/pin.ts'
import { createSessions, type Session } from './pkcs11/sessions.ts'
import { buildUri, buildUriFault, readId, readSearch, type Search } from './pkcs11/uri.ts'
import { createKeyStoreSource, type KeyStoreSettings } from './store/key-source.ts'
import type { KeyStore, SignRequest } from './store/key-store.ts'
import { loadPeer } from './store/peer.ts'

/** A key on a token, and how it is reached. */
export interface Pkcs11Options extends Omit<KeyStoreSettings, 'name' | 'defaultRsaAlg' | 'wait'> {
  /** The path of the PKCS#11 module, a shared library that comes with the token. */
  readonly modulePath: string
  /** The token's label. Where it is absent, there MUST be only one token. */
  readonly token?: string | undefined
  /** The token's serial number. */
  readonly serial?: string | undefined
  readonly manufacturer?: string | undefined
  readonly model?: string | undefined
  /** The number of the slot, which some modules change at each start. */
  readonly slotId?: number | undefined
  /** The private key's label (CKA_LABEL). It or `id` is needed. */
  readonly object?: string | undefined
  /** The private key's id (CKA_ID): octets, or their hex digits. */
  readonly id?: Uint8Array | string | undefined
  /** The user PIN, or what returns it: it is asked at each login, so that another PIN is seen. */
  readonly pin: string | (() => string | Promise<string>)
  /** How many sessions sign at once, each of which takes a thread of libuv. Default: 2. */
  readonly sessions?: number | undefined
}

const defaultSessions = 2

/**
 * Creates the source of a key on a PKCS#11 token. Nothing is loaded before the key is needed.
 *
 * @example
 * ```ts
 * pkcs11({ modulePath: '/usr/lib/softhsm/libsofthsm2.so', token: 'rp', object: 'login', pin })
 * ```
 *
 * @throws TypeError when the options name no key
 */
export function pkcs11(options: Pkcs11Options): KeySource {
  const { modulePath, pin, sessions = defaultSessions, object } = options
  const { token, serial, manufacturer, model, slotId, id: rawId, ...settings } = options
  const id = readId(rawId)
  if (!modulePath) throw new TypeError('"modulePath" must be the path of a PKCS#11 module')
  if (object === undefined && id === undefined) {
    throw new TypeError('"object" (the label of the key) or "id" is needed')
  }
  if (pin === undefined) throw new TypeError('"pin" must be the PIN, or a function that returns it')
  if (!Number.isInteger(sessions) || sessions < 1) {
    throw new TypeError('"sessions" must be a whole number, 1 or more')
  }
  const search = { token, serial, manufacturer, model, slotId, object, id }
  const { alg, kid, notBefore, notAfter, renewAfter } = settings
  return createSource(
    { search, modulePath, sessions, readPin: createPinSource(pin) },
    { name: buildUri(search), alg, kid, notBefore, notAfter, renewAfter },
  )
}

/**
 * Creates the source of a key that a `pkcs11:` URI names.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE` that says what to write
 */
export function createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource {
  const { name, parts, parameters } = place
  const { 'module-path': modulePath, 'pin-source': pinSource } = parameters
  if (!modulePath) {
    const fault =
      'needs the path of the PKCS#11 module of its token: add module-path=/path/module.so'
    throw buildUriFault(name, fault)
  }
  const search = readSearch(name, parts)
  const readPin = readPinSource(name, pinSource)
  const sessions = defaultSessions
  return createSource({ search, modulePath, sessions, readPin }, { ...settings, name })
}

interface TokenSettings {
  readonly search: Search
  readonly modulePath: string
  readonly sessions: number
  readonly readPin: PinSource
}

function createSource(token: TokenSettings, settings: KeyStoreSettings): KeySource {
  return createKeyStoreSource(() => openStore(token, settings.name), settings)
}

async function openStore(settings: TokenSettings, name: string): Promise<KeyStore> {
  const { search, modulePath } = settings
  const query = { search, name }
  const loaded = await loadPeer('pkcs11js', loadPkcs11js)
  const sessions = createSessions({
    ...settings,
    name,
    borrow: () => borrowModule(modulePath, loaded),
  })
  return {
    concurrency: settings.sessions,
    async readVersions({ signal }) {
      return await sessions.use(signal, async (session) => {
        const keys = readKeys(session, query, session.connection.keys)
        session.connection.keys = keys
        checkOrder(keys, name)
        return keys
      })
    },
    async sign({ ref }, request) {
      return await sessions.use(request.signal, async (session) => {
        return await sign(session, readKnown(session, query, ref), request)
      })
    },
    readFailure,
    close: sessions.close,
  }
}

/** Of a connection that was made anew nothing is known: then only this one key is looked for. */
function readKnown(session: Session, query: KeyQuery, ref: string): TokenKey {
  const { connection } = session
  const known = connection.keys.find((key) => key.ref === ref)
  if (known) return known
  const found = findKey(session, query, ref)
  connection.keys = [...connection.keys, found]
  return found
}

/** As many octets as the longest signature has, of an RSA key of 16384 bits. */
const maxSignature = 2048

async function sign(
  { cryptoki, session, mechanisms, prepareLogin }: Session,
  key: TokenKey,
  { alg, data }: SignRequest,
): Promise<Uint8Array> {
  const { mechanism, input } = buildOperation(alg, data, mechanisms)
  const logIn = key.needsPin ? await prepareLogin() : undefined
  cryptoki.C_SignInit(session, mechanism, key.handle)
  logIn?.()
  const signature = await cryptoki.C_SignAsync(session, input, Buffer.alloc(maxSignature))
  // pkcs11js keeps no hold of what a thread reads: here it is held until the thread has read it
  input.fill(0)
  return Uint8Array.from(signature)
}

/** It is CommonJS, whose names the loader of modules does not see. */
async function loadPkcs11js(): Promise<typeof pkcs11js> {
  const loaded: typeof pkcs11js & { readonly default?: typeof pkcs11js } = await import('pkcs11js')
  return loaded.default ?? loaded
}
