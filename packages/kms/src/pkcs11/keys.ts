/**
 * The private keys on a token that a search finds, as versions of one key.
 *
 * @see PKCS #11 Specification Version 3.1, 4.7–4.9
 * @module
 */

import { createHash, type KeyObject } from 'node:crypto'
import { KeyError } from '@countersign/core/keys'
import { type KeyVersion, StoreFault } from '../store/key-store.ts'
import { isReturn } from './failure.ts'
import { hasMechanism } from './mechanism.ts'
import type { Cryptoki } from './module.ts'
import { attribute, objectClass, returnValue } from './numbers.ts'
import { type ReadAttribute, readAlgs, readCurveName, readPublicKey } from './public-key.ts'
import { buildUri, type KeySearch, type TokenSearch } from './uri.ts'

/** A handle of pkcs11js. It is good for as long as what was opened. */
export type Handle = Buffer

/** A private key on the token. */
export interface TokenKey extends KeyVersion {
  readonly handle: Handle
  /** Whether each signature needs the PIN once more. */
  readonly needsPin: boolean
}

/** Where keys are searched. */
export interface KeyPlace {
  readonly cryptoki: Cryptoki
  readonly session: Handle
  readonly mechanisms: ReadonlySet<number>
}

/**
 * Reads the private keys that a search finds.
 *
 * @throws StoreFault when there is none
 * @throws KeyError when it is not clear when which of them signs, or a public half is not to be had
 */
export function readKeys(
  place: KeyPlace,
  search: TokenSearch & KeySearch,
  name: string,
): readonly TokenKey[] {
  const handles = findObjects(place, { kind: objectClass.privateKey, ...search })
  if (handles.length === 0) {
    checkLogin(place)
    throw buildNotFound(place)
  }
  const signing = handles.filter((handle) => isTrue(read(place, handle, attribute.sign)))
  if (signing.length === 0) {
    const remedy = 'it is on the token, and its CKA_SIGN is false: make a key that signs'
    throw new StoreFault('denied', 'the key has no CKA_SIGN', remedy)
  }
  const keys = signing.map((handle) => readKey(place, handle, search, name))
  checkOrder(keys, name)
  return keys.toSorted((a, b) => (a.notBefore ?? 0) - (b.notBefore ?? 0))
}

function readKey(
  place: KeyPlace,
  handle: Handle,
  search: TokenSearch & KeySearch,
  name: string,
): TokenKey {
  const own: ReadAttribute = (type) => read(place, handle, type)
  const type = readNumber(own(attribute.keyType))
  const algs = readAlgs(type, own).filter((alg) => hasMechanism(alg, place.mechanisms))
  const id = own(attribute.id)
  const label = own(attribute.label)
  const known = readPublicKey(type, own)
  const half = findPublicHalf(place, { type, curve: readCurveName(own), id, label, known })
  const publicKey = known ?? half?.publicKey
  if (!publicKey) {
    const fault = `${name} has no public half on its token: import the public key with the same CKA_ID`
    throw new KeyError('ERR_KEY_UNAVAILABLE', fault)
  }
  const uri = buildUri({ ...search, object: label?.toString('utf8') ?? search.object, id })
  const readDay = (name: number) =>
    readDate(place, handle, name) ?? (half && readDate(place, half.handle, name))
  const lastDay = readDay(attribute.endDate)
  return {
    handle,
    ref: `${uri}#${fingerprint(publicKey)}`,
    publicKey,
    algs,
    notBefore: readDay(attribute.startDate),
    notAfter: lastDay === undefined ? undefined : lastDay + 86_400,
    needsPin: isTrue(own(attribute.alwaysAuthenticate)),
  }
}

interface PublicHalf {
  readonly handle: Handle
  readonly publicKey: KeyObject
}

interface PublicHalfSearch {
  readonly type: number
  readonly curve: string | undefined
  readonly id: Buffer | undefined
  readonly label: Buffer | undefined
  /** The public half, where the private key tells it. */
  readonly known: KeyObject | undefined
}

/** An id names one key on a token. A label may name several, which are taken when they are the same. */
function findPublicHalf(
  place: KeyPlace,
  { type, curve, id, label, known }: PublicHalfSearch,
): PublicHalf | undefined {
  const searches = [...(id ? [{ id }] : []), ...(label ? [{ object: label }] : [])]
  for (const search of searches) {
    const handles = findObjects(place, { kind: objectClass.publicKey, ...search })
    const halves = handles.flatMap((handle) => {
      const own: ReadAttribute = (name) => read(place, handle, name)
      if (readNumber(own(attribute.keyType)) !== type || readCurveName(own) !== curve) return []
      const publicKey = readPublicKey(type, own)
      return publicKey && (known?.equals(publicKey) ?? true) ? [{ handle, publicKey }] : []
    })
    const [first, ...others] = halves
    if (first && others.every(({ publicKey }) => publicKey.equals(first.publicKey))) return first
  }
  return undefined
}

/** Of several keys it is only clear by their dates which of them signs. */
function checkOrder(keys: readonly TokenKey[], name: string): void {
  const begins = new Set(keys.map(({ notBefore }) => notBefore))
  if (begins.size === keys.length) return
  const ids = keys.map(({ ref }) => /;id=([^;#]+)/.exec(ref)?.[1] ?? 'none')
  const message =
    `${name} names ${keys.length} private keys (id: ${ids.join(', ')}), and CKA_START_DATE does not ` +
    'tell which one signs: add "id" to it, or list a URI with "id" and "nbf" for each'
  throw new KeyError('ERR_KEY_UNAVAILABLE', message)
}

/** CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS. */
const userStates = [1, 3]

/** Who is no longer logged in sees no private keys, and no error either. */
function checkLogin({ cryptoki, session }: KeyPlace): void {
  const { state } = cryptoki.C_GetSessionInfo(session)
  if (!userStates.includes(state))
    throw new Error(`CKR_USER_NOT_LOGGED_IN:${returnValue.USER_NOT_LOGGED_IN}`)
}

/** How many labels a message names. */
const maxLabels = 8

function buildNotFound(place: KeyPlace): StoreFault {
  const handles = findObjects(place, { kind: objectClass.privateKey }).slice(0, maxLabels)
  const labels = handles.map((handle) => `"${read(place, handle, attribute.label) ?? ''}"`)
  const seen = labels.length === 0 ? 'no private key' : `the private keys ${labels.join(', ')}`
  return new StoreFault('not-found', 'the key is not on the token', `its token has ${seen}`)
}

interface ObjectSearch {
  readonly kind: number
  readonly object?: string | Buffer | undefined
  readonly id?: Uint8Array | undefined
}

/** How many objects a call returns at the most. */
const batch = 32

function findObjects(
  { cryptoki, session }: KeyPlace,
  { kind, object, id }: ObjectSearch,
): readonly Handle[] {
  const found: Handle[] = []
  cryptoki.C_FindObjectsInit(session, [
    { type: attribute.objectClass, value: kind },
    { type: attribute.token, value: true },
    ...(object === undefined ? [] : [{ type: attribute.label, value: Buffer.from(object) }]),
    ...(id === undefined ? [] : [{ type: attribute.id, value: Buffer.from(id) }]),
  ])
  try {
    let some: readonly Handle[]
    do {
      some = cryptoki.C_FindObjects(session, batch)
      found.push(...some)
    } while (some.length === batch)
  } finally {
    cryptoki.C_FindObjectsFinal(session)
  }
  return found
}

/** One at a time: a module may refuse them all for one that it does not know. */
function read({ cryptoki, session }: KeyPlace, handle: Handle, type: number): Buffer | undefined {
  try {
    const [result] = cryptoki.C_GetAttributeValue(session, handle, [{ type }])
    return result?.value && result.value.length > 0 ? result.value : undefined
  } catch (error) {
    if (isReturn(error, 'ATTRIBUTE_TYPE_INVALID', 'ATTRIBUTE_SENSITIVE', 'ARGUMENTS_BAD')) {
      return undefined
    }
    throw error
  }
}

/** A day, as the NumericDate of its beginning in UTC. */
function readDate(place: KeyPlace, handle: Handle, type: number): number | undefined {
  let text: string | undefined
  try {
    text = read(place, handle, type)?.toString('latin1')
  } catch (error) {
    // An empty date is a TypeError to pkcs11js, and SoftHSM cannot read that of a private key
    if (!(error instanceof TypeError || isReturn(error, 'GENERAL_ERROR'))) throw error
  }
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(text ?? '') ?? []
  const moment = Date.parse(`${year}-${month}-${day}T00:00:00Z`) / 1000
  return Number.isFinite(moment) ? moment : undefined
}

function isTrue(value: Buffer | undefined): boolean {
  return value?.some((octet) => octet !== 0) ?? false
}

/** A CK_ULONG, in the machine's own order of octets, which is little-endian where Node.js runs. */
function readNumber(value: Buffer | undefined): number {
  return value && value.length >= 4 ? value.readUInt32LE() : Number.NaN
}

/** A key that is made anew has the old one's label and id, and is another one. */
function fingerprint(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64url')
}
