/**
 * The token for Vault, and how it is come by: given, in a file, or by a login.
 *
 * A token of a login is renewed at two thirds of its lease, when it is used: there is no timer. A
 * failure is remembered by nobody.
 *
 * @see https://developer.hashicorp.com/vault/docs/concepts/lease
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { waitUntilAborted } from '@countersign/core/keys'
import { deadline } from '../store/call.ts'
import { StoreFault } from '../store/key-store.ts'
import { isObject, type VaultClient, VaultError } from './client.ts'

/** Where the secret id of an AppRole is: here, told when it is asked for, or in a file. */
export type VaultSecretId = string | (() => string | Promise<string>) | { readonly file: string }

/** How this process shows who it is. */
export type VaultAuth =
  /** A token that somebody else renews. */
  | { readonly token: string }
  /** A file with a token, as Vault Agent writes it. It is read again each time. */
  | { readonly tokenFile: string }
  | {
      readonly roleId: string
      readonly secretId: VaultSecretId
      /** Default: "approle". */
      readonly mount?: string | undefined
    }
  | {
      readonly kubernetesRole: string
      /** The service account's token. Default: where Kubernetes puts it. */
      readonly jwtFile?: string | undefined
      /** Default: "kubernetes". */
      readonly mount?: string | undefined
    }

/** The token in use. */
export interface VaultTokens {
  /** The token to use now. */
  current(signal: AbortSignal): Promise<string>
  /** Whether there may be another one than this, which Vault has refused; it is not used again. */
  replace(refused: string): boolean
}

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** Creates what hands out the token. */
export function createVaultTokens(auth: VaultAuth, client: VaultClient): VaultTokens {
  if ('token' in auth) {
    return { current: async () => checkSecret(auth.token, 'the token'), replace: () => false }
  }
  if ('tokenFile' in auth) return createFileTokens(auth.tokenFile)
  return createLoginTokens(client, async () => {
    if ('roleId' in auth) {
      const secret = checkSecret(await readSecretId(auth.secretId), 'the secret id')
      const { roleId, mount = 'approle' } = auth
      return { mount, body: { role_id: roleId, secret_id: secret } }
    }
    const { kubernetesRole, mount = 'kubernetes', jwtFile = serviceAccountToken } = auth
    const jwt = checkSecret(await readSecretFile(jwtFile), "the service account's token")
    return { mount, body: { role: kubernetesRole, jwt } }
  })
}

/** The file may be half written when it is read: then the token before it is good for once more. */
function createFileTokens(file: string): VaultTokens {
  let last: string | undefined
  return {
    async current() {
      try {
        last = checkSecret(await readSecretFile(file), 'the token')
      } catch (error) {
        if (last === undefined) throw error
      }
      return last
    },
    // The agent may have written a new one since
    replace: () => true,
  }
}

interface Login {
  readonly mount: string
  readonly body: Readonly<Record<string, string>>
}

interface Lease {
  readonly token: string
  /** Milliseconds; infinite where the token does not end. */
  readonly duration: number
  readonly isRenewable: boolean
  readonly since: number
}

/** A login that is under way. */
interface Pending {
  readonly lease: Promise<Lease>
  readonly stop: AbortController
  waiting: number
}

function createLoginTokens(client: VaultClient, build: () => Promise<Login>): VaultTokens {
  let lease: Lease | undefined
  let pending: Pending | undefined

  /** One at a time. It is not under the signal of whoever asks first: others wait for it as well. */
  function start(act: (signal: AbortSignal) => Promise<Lease>): Pending {
    if (pending) return pending
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(deadline)])
    const own: Pending = {
      stop,
      waiting: 0,
      lease: act(signal)
        .then((found) => {
          lease = found
          return found
        })
        .finally(() => {
          if (pending === own) pending = undefined
        }),
    }
    pending = own
    return own
  }

  async function waitFor(own: Pending, signal: AbortSignal): Promise<Lease> {
    own.waiting++
    try {
      return await waitUntilAborted(own.lease, signal)
    } finally {
      own.waiting--
      // When everybody has given it up, whoever comes next begins anew
      if (own.waiting === 0 && pending === own) {
        pending = undefined
        own.stop.abort()
      }
    }
  }

  async function login(signal: AbortSignal): Promise<Lease> {
    const { mount, body } = await build()
    return readLease(await client({ purpose: 'login', path: `auth/${mount}/login`, body, signal }))
  }

  async function renew(old: Lease, signal: AbortSignal): Promise<Lease> {
    if (!old.isRenewable) return await login(signal)
    const path = 'auth/token/renew-self'
    try {
      const renewed = readLease(
        await client({ purpose: 'renew', path, token: old.token, body: {}, signal }),
      )
      // Where its longest time is near, it is renewed for less and less
      return renewed.duration < old.duration / 2 ? { ...renewed, isRenewable: false } : renewed
    } catch (error) {
      if (error instanceof VaultError && error.status < 429) return await login(signal)
      throw error
    }
  }

  return {
    async current(signal) {
      const known = lease
      const age = known ? performance.now() - known.since : 0
      if (!known || age >= known.duration) {
        return (await waitFor(start(login), signal)).token
      }
      if (age >= (known.duration * 2) / 3) {
        // The one at hand is good for a third of its time: nobody waits, and who comes next tries again
        start((stop) => renew(known, stop)).lease.catch(() => {})
      }
      return known.token
    },
    replace(refused) {
      if (lease?.token === refused) lease = undefined
      return true
    },
  }
}

/** Reads the `auth` of an answer to a login. */
function readLease({ auth }: Readonly<Record<string, unknown>>): Lease {
  const token = isObject(auth) ? auth['client_token'] : undefined
  const seconds = isObject(auth) ? auth['lease_duration'] : undefined
  if (typeof token !== 'string' || typeof seconds !== 'number') {
    throw new StoreFault('credentials', 'Vault answered a login without a token')
  }
  return {
    token: checkSecret(token, 'the token'),
    duration: seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY,
    isRenewable: isObject(auth) && auth['renewable'] === true,
    since: performance.now(),
  }
}

async function readSecretId(secretId: VaultSecretId): Promise<unknown> {
  if (typeof secretId === 'string') return secretId
  if (typeof secretId !== 'function') return await readSecretFile(secretId.file)
  try {
    return await secretId()
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
    throw new StoreFault('credentials', said, 'see what the function "secretId" says')
  }
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const remedy = `the file ${file} cannot be read (${code})`
    throw new StoreFault('credentials', remedy, remedy)
  }
}

/** A header that cannot be sent would be repeated in the error about it. */
function checkSecret(text: unknown, what: string): string {
  const secret = typeof text === 'string' ? text.trim() : ''
  if (/^[\x21-\x7e]+$/.test(secret)) return secret
  const fault = secret === '' ? 'is empty' : 'holds white space, or what is not ASCII'
  throw new StoreFault('credentials', `${what} ${fault}`, `${what} ${fault}`)
}
