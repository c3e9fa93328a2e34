/**
 * The PIN of a token: where it comes from, and which one is not tried.
 *
 * A token locks after a few wrong PINs. So a PIN that was refused is not tried again by this process,
 * whoever asks, and after any other login that failed it waits; only its hash is kept.
 *
 * @see RFC 7512, 2.4 (pin-source)
 * @module
 */

import { createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { actInTime, waitUntilAborted } from '@countersign/core/keys'
import { StoreFault } from '../store/key-store.ts'
import { buildUriFault } from './uri.ts'

/** Where a PIN comes from. It is asked at each login. */
export type PinSource = () => Promise<string>

/**
 * Reads where a URI says that the PIN is.
 *
 * @throws KeyError that does not repeat it, which may be the PIN itself
 */
export function readPinSource(name: string, source: string | undefined): PinSource {
  const [, variable] = /^env:(\w+)$/.exec(source ?? '') ?? []
  if (variable !== undefined) return () => readVariable(variable)
  // file:/abs and file:///abs are the same
  const [, path] = /^(?:file:(?:\/\/(?=\/))?)?(\/.+|(?<=^file:)[^/].*)$/.exec(source ?? '') ?? []
  if (path !== undefined) return () => readPinFile(path)
  const forms = 'pin-source=file:/path/pin or pin-source=env:NAME'
  throw buildUriFault(
    name,
    source === undefined
      ? `needs the PIN of its token: add ${forms}`
      : `"pin-source" must say where the PIN is, and not what it is: ${forms}`,
  )
}

/** Creates the source of a PIN that an app gives. */
export function createPinSource(pin: string | (() => string | Promise<string>)): PinSource {
  return async () => {
    if (typeof pin === 'string') return checkPin(pin, 'the PIN')
    let value: unknown
    try {
      value = await pin()
    } catch {
      // What it throws may hold the PIN
      throw buildPinFault('the function "pin" failed')
    }
    return checkPin(value, 'what the function "pin" returned')
  }
}

async function readVariable(variable: string): Promise<string> {
  const value = process.env[variable]
  // What does not look like a name may be the PIN itself, put in the wrong place
  const name = /^[A-Z_][A-Z0-9_]{0,63}$/.test(variable) ? `the variable ${variable}` : 'a variable'
  if (value === undefined) throw buildPinFault(`"pin-source" names ${name}, which is not set`)
  return checkPin(value, name)
}

async function readPinFile(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw buildPinFault(`the file of "pin-source" cannot be read (${code})`)
  }
  return checkPin(text.replace(/\r?\n$/, ''), 'the file of "pin-source"')
}

/** An empty PIN would be tried all the same, and count as a wrong one. */
function checkPin(pin: unknown, place: string): string {
  if (typeof pin === 'string' && pin !== '') return pin
  throw buildPinFault(`${place} is empty`)
}

function buildPinFault(fault: string): StoreFault {
  return new StoreFault('credentials', fault, fault)
}

/** Milliseconds for reading a PIN: fewer than a look has, which would not know what took so long. */
const pinDeadline = 3500

/**
 * Reads a PIN, and does not wait for ever.
 *
 * @throws StoreFault `timeout`
 */
export async function readInTime(readPin: PinSource): Promise<string> {
  return await actInTime({ milliseconds: pinDeadline }, async (signal) => {
    return await waitUntilAborted(readPin(), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
      const remedy = `its PIN was not there after ${pinDeadline / 1000} s: check the function "pin", or the file of "pin-source"`
      throw new StoreFault('timeout', 'the PIN was not there in time', remedy)
    })
  })
}

/** Milliseconds after a login that failed without a word about the PIN. */
const pause = 60_000

const secret = randomBytes(32)
/** When a PIN may be tried again, on a clock that nobody sets. */
const triedAgainAt = new Map<string, number>()

/**
 * Checks that a PIN may be tried: that its last login at this token did not fail, or is long enough ago.
 *
 * @throws StoreFault that says when it is tried again, if it ever is
 */
export function checkMayLogIn(token: string, pin: string): void {
  const left = (triedAgainAt.get(hash(token, pin)) ?? 0) - performance.now()
  if (left <= 0) return
  if (left === Number.POSITIVE_INFINITY) {
    const remedy =
      'its PIN was refused before and is not tried again, so that the token does not lock'
    throw new StoreFault('credentials', 'the PIN was refused before', remedy)
  }
  const remedy =
    'the last login to its token failed, which may have counted as one with a wrong PIN: ' +
    `it is tried again in ${Math.ceil(left / 1000)} s, or at once with another PIN`
  throw new StoreFault('unavailable', 'a login failed a moment ago', remedy)
}

/** Remembers that a login failed: because the PIN was refused, or nobody knows why. */
export function rememberFailedLogin(
  token: string,
  pin: string,
  failure: 'refused' | 'unclear',
): void {
  const until = failure === 'refused' ? Number.POSITIVE_INFINITY : performance.now() + pause
  triedAgainAt.set(hash(token, pin), until)
}

function hash(token: string, pin: string): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify([token, pin]))
    .digest('base64')
}
