/**
 * Where a key is in PKCS#11: which token, and which object on it.
 *
 * @see RFC 7512, 2.3
 * @module
 */

import { KeyError } from '@countersign/core/keys'

/** The attributes of a token that are compared, where they are given. */
export interface TokenSearch {
  /** Its label. */
  readonly token?: string | undefined
  readonly serial?: string | undefined
  readonly manufacturer?: string | undefined
  readonly model?: string | undefined
  readonly slotId?: number | undefined
}

/** The attributes of a key that are compared, where they are given; one of them is. */
export interface KeySearch {
  /** Its label. */
  readonly object?: string | undefined
  readonly id?: Uint8Array | undefined
}

/** Both. */
export interface Search extends TokenSearch, KeySearch {}

/**
 * Reads the attributes of a URI, whose values are percent-encoded.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readSearch(name: string, parts: Readonly<Record<string, string>>): Search {
  const { token, object, id, serial, manufacturer, model, type, 'slot-id': slotId } = parts
  if (type !== undefined && type !== 'private') {
    throw buildUriFault(name, '"type" must be "private", or left away')
  }
  if (slotId !== undefined && !/^\d{1,15}$/.test(slotId)) {
    throw buildUriFault(name, '"slot-id" must be a number')
  }
  const read = (value: string | undefined) =>
    value === undefined ? undefined : decodeOctets(name, value).toString('utf8')
  return {
    token: read(token),
    serial: read(serial),
    manufacturer: read(manufacturer),
    model: read(model),
    slotId: slotId === undefined ? undefined : Number(slotId),
    object: read(object),
    id: id === undefined ? undefined : decodeOctets(name, id),
  }
}

/** Builds a URI without its parameters. */
export function buildUri({
  token,
  manufacturer,
  model,
  serial,
  slotId,
  object,
  id,
}: Search): string {
  const attributes = {
    token: encodeText(token),
    manufacturer: encodeText(manufacturer),
    model: encodeText(model),
    serial: encodeText(serial),
    'slot-id': slotId?.toString(),
    object: encodeText(object),
    id: id && encodeOctets(id),
  }
  const parts = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  return `pkcs11:${parts.join(';')}`
}

/** Reads an id that is given as octets, or in hex as the usual tools write it. */
export function readId(id: Uint8Array | string | undefined): Uint8Array | undefined {
  if (typeof id !== 'string') return id
  if (/^(?:[\da-f]{2})+$/i.test(id)) return Buffer.from(id, 'hex')
  throw new TypeError('"id" must be octets, or their hex digits')
}

/** Builds the fault of a URI that cannot be used. */
export function buildUriFault(name: string, fault: string): KeyError {
  return new KeyError('ERR_KEY_UNAVAILABLE', `${name}: ${fault}`)
}

function encodeText(text: string | undefined): string | undefined {
  return text === undefined ? undefined : encodeURIComponent(text)
}

function encodeOctets(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString('hex')
    .replace(/../g, (hex) => `%${hex}`)
}

function decodeOctets(name: string, text: string): Buffer {
  if (/%(?![\da-f]{2})/i.test(text)) {
    throw buildUriFault(name, 'is percent-encoded, where "%" itself is written "%25"')
  }
  const parts = text.split(/%([\da-f]{2})/i)
  return Buffer.concat(
    parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'utf8')),
  )
}
