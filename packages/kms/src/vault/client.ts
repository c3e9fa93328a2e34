/**
 * Requests to Vault, and the errors it answers with.
 *
 * A token goes to the one address that is configured, over TLS: nothing is redirected.
 *
 * @see https://developer.hashicorp.com/vault/api-docs
 *
 * @module
 */

import { StoreFault } from '../store/key-store.ts'
import { readRetryAfter } from '../store/retry-after.ts'

/** Where Vault is. */
export interface VaultPlace {
  readonly address: URL
  readonly namespace: string | undefined
  readonly fetch: typeof globalThis.fetch
}

/** One request. */
export interface VaultRequest {
  readonly purpose: VaultPurpose
  /** Below `/v1/`. */
  readonly path: string
  readonly token?: string | undefined
  /** Makes it a POST. */
  readonly body?: Readonly<Record<string, unknown>> | undefined
  readonly signal: AbortSignal
}

/** What a request is for. */
export type VaultPurpose = 'login' | 'renew' | 'look up the token' | 'read' | 'sign'

/** Asks Vault and returns the object that it answers with. */
export type VaultClient = (request: VaultRequest) => Promise<Readonly<Record<string, unknown>>>

/** How Vault says no. */
export interface VaultRefusal {
  readonly purpose: VaultPurpose
  readonly status: number
  /** In its own words; of a login that it refuses nothing, since it may repeat what it was sent. */
  readonly said: string
  /** Whether the answer has the form of Vault's own, which that of a proxy does not have. */
  readonly isOfVault: boolean
  /** Milliseconds. */
  readonly retryAfter: number
}

/** An answer that says no. */
export class VaultError extends Error implements VaultRefusal {
  readonly purpose: VaultPurpose
  readonly status: number
  readonly said: string
  readonly isOfVault: boolean
  readonly retryAfter: number
  /** Whether Vault still knows the token; with 403 it says the same of one that it does not. */
  readonly isTokenValid: boolean

  /** @ignore */
  constructor(
    { purpose, status, said, isOfVault, retryAfter }: VaultRefusal,
    { isTokenValid = false }: { readonly isTokenValid?: boolean } = {},
  ) {
    super(`Vault answered the request to ${purpose} with ${status}${said && `: ${said}`}`)
    this.name = 'VaultError'
    this.purpose = purpose
    this.status = status
    this.said = said
    this.isOfVault = isOfVault
    this.retryAfter = retryAfter
    this.isTokenValid = isTokenValid
  }
}

/** There is no answer, or only half of one. */
export class VaultSilence extends Error {
  /** What `fetch` threw. */
  override readonly cause: TypeError

  /** @ignore */
  constructor(cause: TypeError) {
    super('Vault did not answer')
    this.name = 'VaultSilence'
    this.cause = cause
  }
}

/** Octets of the longest answer. A key of a thousand versions is shorter. */
const maxLength = 1_000_000

/** Creates the client. */
export function createVaultClient({ address, namespace, fetch }: VaultPlace): VaultClient {
  const base = address.href.replace(/\/$/, '')
  const place = namespace === undefined ? {} : { 'x-vault-namespace': namespace }
  return async ({ purpose, path, token, body, signal }) => {
    const response = await fetch(`${base}/v1/${path}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        // Agents and proxies that guard against forged requests ask for it
        'x-vault-request': 'true',
        ...place,
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: 'manual',
      signal,
    }).catch(throwSilence)
    const { status, headers } = response
    if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
      await response.body?.cancel()
      throw new StoreFault(
        'unavailable',
        `Vault redirected the request to ${purpose} (${status}), which is not followed`,
        'the address is one of a standby node, or of something before Vault: set the address of the ' +
          'load balancer or of the active node',
      )
    }
    const answer = readJson(await readText(response).catch(throwSilence))
    if (!response.ok) {
      const isRepeated = purpose === 'login' && status < 429
      const said = isRepeated ? '' : describeErrors(answer, [token, ...Object.values(body ?? {})])
      const isOfVault = Array.isArray(answer?.['errors']) || isObject(answer?.['data'])
      const retryAfter = readRetryAfter(headers.get('retry-after'))
      throw new VaultError({ purpose, status, said, isOfVault, retryAfter })
    }
    if (answer) return answer
    throw new StoreFault(
      'unavailable',
      `the request to ${purpose} was answered with what is no JSON object`,
      'check that the address is the one of Vault: something else answers there',
    )
  }
}

/** `fetch` throws a TypeError for all that the network does, and the reason of a signal as it is. */
function throwSilence(error: unknown): never {
  throw error instanceof TypeError ? new VaultSilence(error) : error
}

async function readText({ body }: Response): Promise<string> {
  if (!body) return ''
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop cancels the rest
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxLength) {
      throw new StoreFault(
        'unavailable',
        `the answer is longer than ${maxLength} octets`,
        'check that the address is the one of Vault: its answers are short',
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The `errors` of an answer, without what was sent, whoever may have put it there. */
function describeErrors(
  answer: Readonly<Record<string, unknown>> | undefined,
  sent: readonly unknown[],
): string {
  const errors = Array.isArray(answer?.['errors']) ? answer['errors'] : []
  const said = errors.filter((error) => typeof error === 'string').join('; ')
  const secrets = sent.filter((value) => typeof value === 'string' && value.length > 8)
  const shown = secrets.reduce<string>((text, secret) => text.replaceAll(`${secret}`, '…'), said)
  return shown.replace(/\s+/g, ' ').trim().slice(0, 300)
}
