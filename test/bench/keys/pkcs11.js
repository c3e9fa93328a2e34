/**
 * Keys in SoftHSM2, and pkcs11js alone, with as many sessions as ours.
 *
 * @module
 */

import { hash } from './hash.js'
import { loadPackage } from './packages.js'

/** CKM_RSA_PKCS, which is given a DigestInfo, and CKM_ECDSA. */
const mechanisms = {
  RS256: { mechanism: 0x01, prefix: '3031300d060960864801650304020105000420' },
  ES256: { mechanism: 0x1041, prefix: '' },
}

/** CKF_OS_LOCKING_OK, CKF_SERIAL_SESSION, CKU_USER, CKA_CLASS, CKO_PRIVATE_KEY, CKA_LABEL. */
const [osLockingOk, serialSession, user, objectClass, privateKey, label] = [2, 4, 1, 0, 3, 3]

export async function openOurs({ modulePath, configuration, token, object, pin }) {
  process.env.SOFTHSM2_CONF = configuration
  const { pkcs11 } = await loadPackage('@countersign/kms/pkcs11')
  return pkcs11({ modulePath, token, object, pin })
}

export async function openBare(place, alg, { inFlight }) {
  const { modulePath, configuration, token, object, pin } = place
  process.env.SOFTHSM2_CONF = configuration
  const { PKCS11 } = await loadPackage('pkcs11js')
  const cryptoki = new PKCS11(modulePath)
  cryptoki.C_Initialize({ flags: osLockingOk })
  const isOurs = (one) => cryptoki.C_GetTokenInfo(one).label.trimEnd() === token
  const slot = cryptoki.C_GetSlotList(true).find(isOurs)
  const idle = Array.from({ length: inFlight }, () => cryptoki.C_OpenSession(slot, serialSession))
  cryptoki.C_Login(idle[0], user, pin)
  cryptoki.C_FindObjectsInit(idle[0], [
    { type: objectClass, value: privateKey },
    { type: label, value: object },
  ])
  const [key] = cryptoki.C_FindObjects(idle[0], 1)
  cryptoki.C_FindObjectsFinal(idle[0])
  const { mechanism, prefix } = mechanisms[alg]
  const start = Buffer.from(prefix, 'hex')
  const waiting = []

  async function signIn(session, data) {
    try {
      cryptoki.C_SignInit(session, { mechanism }, key)
      const input = Buffer.concat([start, hash(data)])
      return await cryptoki.C_SignAsync(session, input, Buffer.alloc(256))
    } finally {
      const next = waiting.shift()
      if (next) next(session)
      else idle.push(session)
    }
  }

  return async (data) => {
    const session = idle.pop() ?? (await new Promise((resolve) => waiting.push(resolve)))
    return await signIn(session, data)
  }
}
