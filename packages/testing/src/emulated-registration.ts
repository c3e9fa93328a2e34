/**
 * How a client is registered at an emulator: in the forms that the provider takes, and no other.
 *
 * The emulator verifies what clients sign by itself. oidc-provider could not: keys without names, other
 * audiences, an `iss` that is not the client. It is told of a secret instead, which the emulator puts
 * in the place of the assertion.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import type { KeyForm, Preset } from '@countersign/core'
import { isSignedMethod } from '@countersign/core/inspection'
import type { JWK } from 'jose'
import { buildResponses, readIdTokenAlg } from './emulated-responses.ts'
import {
  buildMetadata,
  type ClientAuthMethod,
  hasKey,
  type ProviderClient,
} from './provider-client.ts'
import type { ClientRegistration } from './provider-clients.ts'
import { readKeys } from './registered-keys.ts'
import { findWrongRsaSize } from './rsa-sizes.ts'

/** How clients get into an emulator. */
export interface EmulatedRegistration extends ClientRegistration {
  /** The secret by which oidc-provider knows a client that signs. */
  secretFor(clientId: string): string
}

/** Creates the registration of a provider's clients. */
export function createEmulatedRegistration(preset: Preset): EmulatedRegistration {
  const secrets = new Map<string, string>()

  function secretFor(clientId: string): string {
    const secret = secrets.get(clientId) ?? randomBytes(32).toString('base64url')
    secrets.set(clientId, secret)
    return secret
  }

  return {
    secretFor,
    async readKeys(client) {
      checkClient(client, preset)
      const keys = readKeys(client)
      checkLimit(keys, preset)
      checkSizes(keys, preset)
      return keys
    },
    readIdTokenAlg: (client) => readIdTokenAlg(client, preset),
    buildMetadata(client, keys) {
      const method = readClientAuth(client, preset)
      return {
        ...buildMetadata({ ...client, idTokenAlg: readIdTokenAlg(client, preset) }, keys),
        token_endpoint_auth_method: isSignedMethod(method) ? 'client_secret_post' : method,
        ...(isSignedMethod(method) && { client_secret: secretFor(client.clientId) }),
        token_endpoint_auth_signing_alg: undefined,
        ...buildResponses(client, keys, preset),
      }
    },
  }
}

/** Reads how a client authenticates. */
export function readClientAuth(
  client: ProviderClient,
  { clientAuth }: Pick<Preset, 'clientAuth'>,
): ClientAuthMethod {
  if (client.clientAuth !== undefined) return client.clientAuth
  const isSecret = (method: string) => method.startsWith('client_secret_')
  if (client.clientSecret !== undefined) return clientAuth.find(isSecret) ?? 'client_secret_basic'
  return hasKey(client) ? (clientAuth.find(isSignedMethod) ?? 'private_key_jwt') : 'none'
}

function checkClient(client: ProviderClient, preset: Preset): void {
  const { title, clientAuth, assertion, sources } = preset
  const where = `client "${client.clientId}"`
  const method = readClientAuth(client, preset)
  if (!clientAuth.some((accepted) => accepted === method)) {
    const accepted = clientAuth.join(' or ')
    throw new TypeError(
      `${where}: ${title} has no ${method}; clients authenticate with ${accepted} (${sources[0]})`,
    )
  }
  checkForm(client, preset)
  if (assertion?.issuer && isSignedMethod(method) && client.teamId === undefined) {
    throw new TypeError(`${where}: "teamId" is required: the ${assertion.issuer.name} at ${title}`)
  }
}

/** The ways to give a key here, and the forms of registration that each of them stands for. */
const forms = {
  jwks: ['jwks', 'made_there'],
  jwksUri: ['jwks_uri'],
  publicKey: ['pem', 'made_there'],
  certificate: ['certificate'],
} as const satisfies Readonly<Record<string, readonly KeyForm[]>>
const ways = ['jwks', 'jwksUri', 'publicKey', 'certificate'] as const

function checkForm(client: ProviderClient, { title, registration, sources }: Preset): void {
  const given = ways.find((way) => client[way] !== undefined)
  // A client with a secret may have keys as well: to encrypt for, where no form is documented
  if (given === undefined || registration.forms.length === 0) return
  const isTaken = (way: keyof typeof forms): boolean =>
    forms[way].some((form) => registration.forms.includes(form))
  // A JWK is a key alone as well as one of a set
  const isJwk = given === 'publicKey' && typeof client.publicKey === 'object'
  if (isTaken(given) || (isJwk && isTaken('jwks'))) return
  const taken = ways.filter(isTaken).map((way) => `"${way}"`)
  throw new TypeError(
    `client "${client.clientId}": ${title} takes no "${given}"; give ${taken.join(' or ')} ` +
      `(${sources[0]})`,
  )
}

function checkLimit(keys: readonly JWK[], { title, registration: { limit } }: Preset): void {
  if (limit === undefined || keys.length <= limit) return
  throw new TypeError(
    `${title} keeps ${limit} keys of a client at once, and there are ${keys.length}`,
  )
}

function checkSizes(keys: readonly JWK[], { title, registration, sources }: Preset): void {
  const { rsaSizes } = registration
  const size = rsaSizes && findWrongRsaSize(keys, (bits) => rsaSizes.includes(bits))
  if (size === undefined) return
  throw new TypeError(
    `${title} takes RSA keys of ${rsaSizes?.join(' or ')} bits, and there is one of ${size} ` +
      `(${sources[0]})`,
  )
}
