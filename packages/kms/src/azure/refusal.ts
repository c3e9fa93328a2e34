/**
 * What Azure Key Vault says when it refuses, and what its clients throw when they do not reach it.
 *
 * The clients make errors of refusals in several ways, and some lose what was said: of a list the whole
 * text, of an answer without a body even the status. So refusals are read here, before the clients see
 * them.
 *
 * @see https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
 *
 * @module
 */

import type { KeyClientOptions } from '@azure/keyvault-keys'
import { deadline } from '../store/call.ts'
import { type Failure, StoreFault } from '../store/key-store.ts'
import { readRetryAfter } from '../store/retry-after.ts'
import { readAnswer } from './answer.ts'

/** A step in the sending of a request, as the clients take it. */
export type RequestPolicy = NonNullable<KeyClientOptions['additionalPolicies']>[number]['policy']

type Response = Awaited<ReturnType<RequestPolicy['sendRequest']>>

/**
 * Creates the step that throws what the vault refuses, ends what would wait for ever, and asks nobody but
 * the vault.
 */
export const createRefusalPolicy = (vaultUrl: string): RequestPolicy => ({
  name: 'vaultRefusalPolicy',
  async sendRequest(request, next) {
    // The next page of a list is wherever the page before says, and the token goes there
    if (new URL(request.url).origin !== vaultUrl) {
      const remedy = 'it names another host for the next page of a list: check its address'
      throw new StoreFault('unavailable', 'the vault sends elsewhere', remedy)
    }
    // The second page of a list is asked for without the signal of the first
    if (!request.abortSignal) request.timeout ||= deadline
    const response = await next(request).catch((error: unknown) => {
      // Clients before 4.10 have made an error of it already
      const refused = error instanceof Error && 'response' in error ? error.response : undefined
      if (isResponse(refused) && refused.status >= 400) return refused
      throw error
    })
    if (response.status >= 300) throw buildRefusal(response)
    return response
  },
})

function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value
}

/** Says what an error means that is none of the vault's own. */
export function readAzureFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'AbortError') return { reason: 'timeout' }
  // The clients check that a vault asks for a token for its own domain, and nothing else
  if (error.message.startsWith('The challenge')) {
    const remedy =
      'it asks for a token that is not for its own domain: check the address of the vault'
    return { reason: 'credentials', remedy }
  }
  return readNetworkFailure('code' in error ? String(error.code) : '')
}

/** Builds the error of an answer other than success. */
function buildRefusal({ status, bodyAsText, headers }: Response): Error {
  const message = readAnswer(bodyAsText, 'error', 'message') ?? `status ${status}`
  const code = readAnswer(bodyAsText, 'error', 'code')
  const inner = readAnswer(bodyAsText, 'error', 'innererror', 'code')
  const retryAfter = readRetryAfter(headers.get('retry-after'))
  const failure = readRefusal({
    status,
    text: `${inner} ${message}`,
    retryAfter,
    isOfVault: code !== undefined,
  })
  const error = failure
    ? new StoreFault(failure.reason, message, failure.remedy)
    : new Error(message)
  return Object.assign(error, { code: inner ?? code }, failure)
}

function readRefusal({
  status,
  text,
  retryAfter,
  isOfVault,
}: {
  readonly status: number
  /** The inner code, and the message. */
  readonly text: string
  readonly retryAfter: number
  /** Whether the vault itself has answered, and no proxy before it. */
  readonly isOfVault: boolean
}): Failure | undefined {
  if (status < 400) {
    const remedy = 'it sends elsewhere, and redirects are not followed: check its address'
    return { reason: 'unavailable', remedy }
  }
  if (status === 429) return { reason: 'throttled', retryAfter }
  if (status === 408 || status >= 500) return { reason: 'unavailable', retryAfter }
  if (status === 401) {
    const remedy = 'the vault does not accept its token: check the tenant of the credential'
    return { reason: 'credentials', remedy }
  }
  if (status === 403) return readForbidden(text)
  if (status === 404 && !isOfVault) {
    const remedy = 'something else than a vault answers there: check its address, and the proxy'
    return { reason: 'unavailable', remedy, retryAfter }
  }
  if (status === 404) {
    return { reason: 'not-found', remedy: 'check its name and version, and the name of the vault' }
  }
  if (status === 400 && /invalid name/i.test(text)) {
    return { reason: 'not-found', remedy: 'a name has letters, digits and "-" only' }
  }
  if (status === 400 && /algorithm/i.test(text)) return { reason: 'unsupported-algorithm' }
  return undefined
}

/** One status for very different things. */
function readForbidden(text: string): Failure {
  if (/KeyDisabled|disabled key/i.test(text)) return { reason: 'disabled' }
  if (/KeyExpired|NotYetValid|expired|not yet valid|validity/i.test(text)) {
    return { reason: 'disabled', remedy: 'it is not valid now: look at its "nbf" and "exp"' }
  }
  if (/ForbiddenBy(?:Firewall|Connection)|public network access/i.test(text)) {
    return {
      reason: 'denied',
      remedy: "let the network of this process in at the vault's firewall",
    }
  }
  if (/KeyOperationForbidden|operation \w+ is not permitted/i.test(text)) {
    return { reason: 'denied', remedy: 'add "sign" to the key\'s permitted operations' }
  }
  return {
    reason: 'denied',
    remedy:
      'grant the role "Key Vault Crypto User", or keys/get, keys/list and keys/sign ' +
      '(keys/list is not needed for a key that is named with its version)',
  }
}

const certificateFault = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)/

function readNetworkFailure(code: string): Failure | undefined {
  if (code === 'ENOTFOUND') {
    return {
      reason: 'unavailable',
      remedy: 'no vault of that name is found: check it, and the DNS',
    }
  }
  if (certificateFault.test(code)) {
    const remedy = `its certificate is not trusted (${code}): set NODE_EXTRA_CA_CERTS, or "tlsOptions"`
    return { reason: 'unavailable', remedy }
  }
  const isNetwork = /^E(?:CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)|^(?:REQUEST_SEND|PARSE)_ERROR$/
  return isNetwork.test(code) ? { reason: 'unavailable', retryAfter: 0 } : undefined
}
