/**
 * What the return values of a PKCS#11 module mean.
 *
 * @see PKCS #11 Specification Version 3.1, 5.1
 * @module
 */

import { KeyError } from '@countersign/core/keys'
import { type Failure, StoreFault } from '../store/key-store.ts'
import { type ReturnName, returnValue } from './numbers.ts'

const isDisturbed = 'something else in this process closes or uses its sessions'
const pinIsKept = 'the PIN is not tried again until it is another one'

/** Of a device that went away, a module may say no more than that there was an error. */
const away: Failure = {
  reason: 'unavailable',
  remedy: 'check that its token is connected, and that what its module talks to is up',
  retryAfter: 0,
}

const failures: Partial<Record<ReturnName, Failure>> = {
  HOST_MEMORY: { reason: 'unavailable', retryAfter: 0 },
  GENERAL_ERROR: away,
  FUNCTION_FAILED: away,
  DEVICE_ERROR: away,
  DEVICE_MEMORY: { reason: 'unavailable', retryAfter: 0 },
  DEVICE_REMOVED: away,
  TOKEN_NOT_PRESENT: away,
  TOKEN_NOT_RECOGNIZED: away,
  CRYPTOKI_NOT_INITIALIZED: away,
  CANT_LOCK: {
    reason: 'unavailable',
    remedy: 'its module is not made for processes with threads, and every Node.js process has them',
  },
  SESSION_CLOSED: { reason: 'unavailable', remedy: isDisturbed, retryAfter: 0 },
  SESSION_HANDLE_INVALID: { reason: 'unavailable', remedy: isDisturbed, retryAfter: 0 },
  OPERATION_ACTIVE: { reason: 'unavailable', remedy: isDisturbed, retryAfter: 0 },
  OPERATION_NOT_INITIALIZED: { reason: 'unavailable', remedy: isDisturbed, retryAfter: 0 },
  SESSION_COUNT: {
    reason: 'throttled',
    remedy: 'the token has no session left: set fewer "sessions", or end other processes',
    retryAfter: 0,
  },
  PIN_INCORRECT: { reason: 'credentials', remedy: `its PIN is wrong; ${pinIsKept}` },
  PIN_INVALID: { reason: 'credentials', remedy: `its PIN has a wrong form; ${pinIsKept}` },
  PIN_LEN_RANGE: { reason: 'credentials', remedy: `its PIN has a wrong length; ${pinIsKept}` },
  PIN_EXPIRED: { reason: 'credentials', remedy: `its PIN is over: set a new one; ${pinIsKept}` },
  PIN_LOCKED: {
    reason: 'credentials',
    remedy: 'its PIN is locked: have the security officer unlock it, then start this process again',
  },
  USER_PIN_NOT_INITIALIZED: { reason: 'credentials', remedy: 'its token has no user PIN: set one' },
  USER_NOT_LOGGED_IN: { reason: 'denied', remedy: 'the login to its token does not allow it' },
  KEY_FUNCTION_NOT_PERMITTED: { reason: 'denied', remedy: 'make a key that has CKA_SIGN' },
  KEY_HANDLE_INVALID: { reason: 'not-found', remedy: 'it is on the token no more' },
  OBJECT_HANDLE_INVALID: { reason: 'not-found', remedy: 'it is on the token no more' },
  MECHANISM_INVALID: { reason: 'unsupported-algorithm' },
  MECHANISM_PARAM_INVALID: { reason: 'unsupported-algorithm' },
  KEY_TYPE_INCONSISTENT: { reason: 'unsupported-algorithm' },
  KEY_SIZE_RANGE: { reason: 'unsupported-algorithm' },
}

/** The session, the login or a handle is no longer what it was: all of it can be made anew. */
const staleNames: readonly ReturnName[] = [
  'SESSION_CLOSED',
  'SESSION_HANDLE_INVALID',
  'USER_NOT_LOGGED_IN',
  'OBJECT_HANDLE_INVALID',
  'KEY_HANDLE_INVALID',
  'OPERATION_ACTIVE',
  'OPERATION_NOT_INITIALIZED',
]

/** The device went away, or the module lost it. */
const lostNames: readonly ReturnName[] = [
  'GENERAL_ERROR',
  'DEVICE_ERROR',
  'DEVICE_REMOVED',
  'TOKEN_NOT_PRESENT',
  'TOKEN_NOT_RECOGNIZED',
  'CRYPTOKI_NOT_INITIALIZED',
]

/** The PIN is not accepted, and would not be the next time. */
const refusedNames: readonly ReturnName[] = [
  'PIN_INCORRECT',
  'PIN_INVALID',
  'PIN_LEN_RANGE',
  'PIN_EXPIRED',
  'PIN_LOCKED',
]

/** Whether an error is this return value. */
export function isReturn(error: unknown, ...names: readonly ReturnName[]): boolean {
  const name = readName(error)
  return name !== undefined && names.includes(name)
}

/** Whether what was opened has to be opened again. */
export function isStale(error: unknown): boolean {
  return isReturn(error, ...staleNames)
}

/** Whether the module has to be initialised again. */
export function isLost(error: unknown): boolean {
  return isReturn(error, ...lostNames)
}

/** Whether the PIN was refused. */
export function isPinRefused(error: unknown): boolean {
  return isReturn(error, ...refusedNames)
}

/** Whether an error is a fault that we found in what a module said, and not the module's own. */
export function isOwnFault(error: unknown): boolean {
  return error instanceof StoreFault || error instanceof KeyError
}

/** Says what an error of a module means. */
export function readFailure(error: unknown): Failure | undefined {
  const name = readName(error)
  const failure = name && failures[name]
  // A login that failed for whatever reason may have counted as one with a wrong PIN
  return failure && isLogin(error) ? { ...failure, retryAfter: undefined } : failure
}

function isLogin(error: unknown): boolean {
  return error instanceof Error && 'method' in error && error.method === 'C_Login'
}

/** Some functions of pkcs11js throw `CKR_NAME:number` in a plain Error, and others its own class. */
function readName(error: unknown): ReturnName | undefined {
  if (!(error instanceof Error)) return undefined
  const [, digits] = /^CKR_\w+:(\d+)/.exec(error.message) ?? []
  const code = digits === undefined ? 'code' in error && error.code : Number(digits)
  return names.find((name) => returnValue[name] === code)
}

const names = Object.keys(returnValue).filter((name): name is ReturnName =>
  Object.hasOwn(returnValue, name),
)
