/**
 * The objects on a token, and their attributes.
 *
 * @see PKCS #11 Specification Version 3.1, 5.7
 * @module
 */

import { isReturn } from './failure.ts'
import type { Cryptoki } from './module.ts'
import { attribute } from './numbers.ts'

/** A handle of pkcs11js. It is good for as long as what was opened. */
export type Handle = Buffer

/** Where objects are searched. */
export interface ObjectPlace {
  readonly cryptoki: Cryptoki
  readonly session: Handle
}

interface ObjectSearch {
  readonly kind: number
  readonly object?: string | Buffer | undefined
  readonly id?: Uint8Array | undefined
}

/** How many objects a call returns at the most. */
const batch = 32

/** Finds the objects that a token keeps. */
export function findObjects(
  { cryptoki, session }: ObjectPlace,
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

/** Reads an attribute, one at a time: a module may refuse them all for one that it does not know. */
export function read(
  { cryptoki, session }: ObjectPlace,
  handle: Handle,
  type: number,
): Buffer | undefined {
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

/** Reads a day, as the NumericDate of its beginning in UTC. */
export function readDate(place: ObjectPlace, handle: Handle, type: number): number | undefined {
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

/** Whether a CK_BBOOL is true. */
export function isTrue(value: Buffer | undefined): boolean {
  return value?.some((octet) => octet !== 0) ?? false
}

/** Reads a CK_ULONG, in the machine's own order of octets, which is little-endian where Node.js runs. */
export function readNumber(value: Buffer | undefined): number {
  return value && value.length >= 4 ? value.readUInt32LE() : Number.NaN
}
