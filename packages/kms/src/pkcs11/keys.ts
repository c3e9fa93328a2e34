/**
 * The private keys on a token that a search finds, as versions of one key.
 *
 * @see PKCS #11 Specification Version 3.1, 4.7–4.9
 * @module
 */

import { createHash, type KeyObject } from 'node:crypto'
import { KeyError } from '@countersign/core/keys'
import { type KeyVersion, StoreFault } from '../store/key-store.ts'
import { isOwnFault, isReturn } from './failure.ts'
import { hasMechanism } from './mechanism.ts'
import { attribute, keyType, objectClass, returnValue } from './numbers.ts'
import {
  findObjects,
  type Handle,
  isTrue,
  type ObjectPlace,
  read,
  readDate,
  readNumber,
} from './objects.ts'
import { type ReadAttribute, readAlgs, readCurveName, readPublicKey } from './public-key.ts'
import { buildUri, type KeySearch, type TokenSearch } from './uri.ts'

/** A private key on the token. */
export interface TokenKey extends KeyVersion {
  readonly handle: Handle
  /** Whether each signature needs the PIN once more. */
  readonly needsPin: boolean
  /** Its public key's object, where the token has one. */
  readonly half: Handle | undefined
  /** By what its handles are known to be of the same objects still. */
  readonly proofs: readonly Proof[]
}

/** An attribute that tells a key from every other one. */
interface Proof {
  readonly handle: Handle
  readonly type: number
  readonly value: Buffer
}

/** Where keys are searched. */
export interface KeyPlace extends ObjectPlace {
  readonly mechanisms: ReadonlySet<number>
}

/** What is searched. */
export interface KeyQuery {
  readonly search: TokenSearch & KeySearch
  /** What is configured, for messages. */
  readonly name: string
}

/**
 * Reads the private keys that a search finds. One that cannot be used, or not yet, is passed over as long
 * as another one can: an operator may be in the middle of making it.
 *
 * Of a key that is known, only that is read which may change, and what proves that its handles are not
 * another object's by now.
 *
 * @throws StoreFault or KeyError when there is none that can be used
 */
export function readKeys(
  place: KeyPlace,
  query: KeyQuery,
  known: readonly TokenKey[],
): readonly TokenKey[] {
  const keys: TokenKey[] = []
  let fault: unknown
  for (const handle of findPrivateKeys(place, query)) {
    try {
      checkSigns(place, handle)
      const old = known.find((key) => key.handle.equals(handle))
      const key = (old && readAgain(place, old)) ?? readKey(place, handle, query)
      keys.push(key)
    } catch (error) {
      if (!isOwnFault(error)) throw error
      fault ??= error
    }
  }
  if (keys.length === 0) throw fault
  return keys.toSorted((a, b) => (a.notBefore ?? 0) - (b.notBefore ?? 0))
}

/** Finds the one key of this `ref`, whatever is wrong with the others. */
export function findKey(place: KeyPlace, query: KeyQuery, ref: string): TokenKey {
  let fault: unknown
  for (const handle of findPrivateKeys(place, query)) {
    try {
      const key = readKey(place, handle, query)
      if (key.ref === ref) return key
    } catch (error) {
      if (!isOwnFault(error)) fault ??= error
    }
  }
  throw fault ?? new StoreFault('not-found', 'the key is gone', 'it is on the token no more')
}

function findPrivateKeys(place: KeyPlace, { search }: KeyQuery): readonly Handle[] {
  const handles = findObjects(place, { kind: objectClass.privateKey, ...search })
  if (handles.length > 0) return handles
  checkLogin(place)
  throw buildNotFound(place)
}

function checkSigns(place: KeyPlace, handle: Handle): void {
  if (isTrue(read(place, handle, attribute.sign))) return
  const remedy = 'it is on the token, and its CKA_SIGN is false: make a key that signs'
  throw new StoreFault('denied', 'the key has no CKA_SIGN', remedy)
}

/**
 * Reads what may change of a key: its days. `undefined` when its handles are not of the same objects any
 * more. A key without a public key's object may be given one, with its days: it is read anew.
 *
 * The private half of an EC key tells nothing of itself: another one with the same label and id, behind
 * the same handle, beside the old one's public key, is taken for the old one until the next connection.
 */
function readAgain(place: KeyPlace, key: TokenKey): TokenKey | undefined {
  if (!key.half) return undefined
  try {
    const isSame = key.proofs.every(({ handle, type, value }) =>
      read(place, handle, type)?.equals(value),
    )
    return isSame ? { ...key, ...readDays(place, key) } : undefined
  } catch (error) {
    if (isReturn(error, 'OBJECT_HANDLE_INVALID')) return undefined
    throw error
  }
}

function readKey(place: KeyPlace, handle: Handle, { search, name }: KeyQuery): TokenKey {
  const own: ReadAttribute = (type) => read(place, handle, type)
  const type = readNumber(own(attribute.keyType))
  const algs = readAlgs(type, own).filter((alg) => hasMechanism(alg, place.mechanisms))
  if (algs.length === 0) {
    const remedy = 'its token has no mechanism that signs with a key of its type'
    throw new StoreFault('unsupported-algorithm', 'the token has no mechanism for the key', remedy)
  }
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
  const handles = { handle, half: half?.handle }
  return {
    ...handles,
    ref: `${uri}#${fingerprint(publicKey)}`,
    publicKey,
    algs,
    ...readDays(place, handles),
    needsPin: isTrue(own(attribute.alwaysAuthenticate)),
    proofs: [handle, ...(half ? [half.handle] : [])].flatMap((one) => readProof(place, one, type)),
  }
}

type Days = Pick<TokenKey, 'notBefore' | 'notAfter'>

function readDays(place: KeyPlace, { handle, half }: Pick<TokenKey, 'handle' | 'half'>): Days {
  const readDay = (type: number) =>
    readDate(place, handle, type) ?? (half && readDate(place, half, type))
  const lastDay = readDay(attribute.endDate)
  return {
    notBefore: readDay(attribute.startDate),
    notAfter: lastDay === undefined ? undefined : lastDay + 86_400,
  }
}

/** The private half of an EC key may have none: then its public half's has to do. */
function readProof(place: KeyPlace, handle: Handle, type: number): readonly Proof[] {
  for (const name of [
    type === keyType.rsa ? attribute.modulus : attribute.ecPoint,
    attribute.publicKeyInfo,
  ]) {
    const value = read(place, handle, name)
    if (value) return [{ handle, type: name, value }]
  }
  return []
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

/**
 * An id names one key on a token. A label may name several, which are taken when they are the same, and
 * when they are not those of another private key: that of this one may still have to come.
 */
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
      const otherId = own(attribute.id)
      const isOthers = id && otherId && !otherId.equals(id) && hasPrivateKey(place, otherId)
      const publicKey = isOthers ? undefined : readPublicKey(type, own)
      return publicKey && (known?.equals(publicKey) ?? true) ? [{ handle, publicKey }] : []
    })
    const [first, ...others] = halves
    if (first && others.every(({ publicKey }) => publicKey.equals(first.publicKey))) return first
  }
  return undefined
}

function hasPrivateKey(place: KeyPlace, id: Buffer): boolean {
  return findObjects(place, { kind: objectClass.privateKey, id }).length > 0
}

/**
 * Checks that it is clear when which key signs: of several, only their dates tell.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function checkOrder(keys: readonly TokenKey[], name: string): void {
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

/** A key that is made anew has the old one's label and id, and is another one. */
function fingerprint(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64url')
}
