/**
 * The numbers of PKCS#11 that this package uses, by their names in the standard. Not all of them are in
 * the package that talks to the module, and a version of it may drop others.
 *
 * @see PKCS #11 Specification Version 3.1, Appendix A
 * @module
 */

/** Object classes. */
export const objectClass = { publicKey: 2, privateKey: 3 } as const

/** Key types. */
export const keyType = { rsa: 0x00, ec: 0x03, ecEdwards: 0x40 } as const

/** Attributes of keys. */
export const attribute = {
  objectClass: 0x000,
  token: 0x001,
  label: 0x003,
  keyType: 0x100,
  id: 0x102,
  sign: 0x108,
  startDate: 0x110,
  endDate: 0x111,
  modulus: 0x120,
  publicExponent: 0x122,
  publicKeyInfo: 0x129,
  ecParameters: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
} as const

/** Flags of sessions and of the initialisation. */
export const flag = { serialSession: 0x04, osLockingOk: 0x02 } as const

/** Users that log in. */
export const userType = { user: 1, contextSpecific: 2 } as const

/** Return values, without `CKR_`. */
export const returnValue = {
  HOST_MEMORY: 0x002,
  GENERAL_ERROR: 0x005,
  FUNCTION_FAILED: 0x006,
  ARGUMENTS_BAD: 0x007,
  CANT_LOCK: 0x00a,
  ATTRIBUTE_SENSITIVE: 0x011,
  ATTRIBUTE_TYPE_INVALID: 0x012,
  DEVICE_ERROR: 0x030,
  DEVICE_MEMORY: 0x031,
  DEVICE_REMOVED: 0x032,
  KEY_HANDLE_INVALID: 0x060,
  KEY_SIZE_RANGE: 0x062,
  KEY_TYPE_INCONSISTENT: 0x063,
  KEY_FUNCTION_NOT_PERMITTED: 0x068,
  MECHANISM_INVALID: 0x070,
  MECHANISM_PARAM_INVALID: 0x071,
  OBJECT_HANDLE_INVALID: 0x082,
  OPERATION_ACTIVE: 0x090,
  OPERATION_NOT_INITIALIZED: 0x091,
  PIN_INCORRECT: 0x0a0,
  PIN_INVALID: 0x0a1,
  PIN_LEN_RANGE: 0x0a2,
  PIN_EXPIRED: 0x0a3,
  PIN_LOCKED: 0x0a4,
  SESSION_CLOSED: 0x0b0,
  SESSION_COUNT: 0x0b1,
  SESSION_HANDLE_INVALID: 0x0b3,
  TOKEN_NOT_PRESENT: 0x0e0,
  TOKEN_NOT_RECOGNIZED: 0x0e1,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
} as const

/** The name of a return value. */
export type ReturnName = keyof typeof returnValue
