/**
 * Client Authentication at an emulator, at every endpoint that has it: in which way, by whom, and with
 * what. oidc-provider is left the secrets of clients that have one, and everything after.
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import { isSignedMethod } from '@countersign/core/inspection'
import {
  type ClientEndpoint,
  type DecodedAssertion,
  decodeAssertion,
  isMac,
  jwtBearer,
} from './client-assertion.ts'
import {
  type CheckedRequest,
  type ClientCheck,
  type ClientRequest,
  describeOnWire,
} from './client-endpoints.ts'
import {
  createEmulatedAssertionCheck,
  describeUnreachable,
  type EmulatedAssertionCheck,
} from './emulated-assertion.ts'
import { type EmulatedRegistration, readClientAuth } from './emulated-registration.ts'
import { findEncryption } from './emulated-responses.ts'
import type { BrokenEmulatorRule, Refusal } from './emulator-rules.ts'
import type { ClientAuthMethod, ProviderClient } from './provider-client.ts'
import type { ProviderClients } from './provider-clients.ts'

/** What the check needs of its provider. */
export interface ClientAuthenticationParts {
  readonly preset: Preset
  readonly issuer: string
  readonly clients: ProviderClients
  readonly registration: EmulatedRegistration
  readonly onRefusal: (refusal: Refusal) => void
}

/** Creates the check. */
export function createEmulatedClientAuthentication(parts: ClientAuthenticationParts): ClientCheck {
  const { preset, clients, registration, onRefusal } = parts
  const checkAssertion = preset.assertion && createEmulatedAssertionCheck(preset.assertion, parts)

  return async function checkClientAuthentication(request) {
    const credentials = readCredentials(request, preset)
    const client = findClient(credentials, clients)
    const { decoded } = credentials
    const seen = decoded && {
      ...decoded,
      endpoint: request.endpoint,
      receivedAt: Date.now() / 1000,
    }
    const broken = await findBroken(request, {
      credentials,
      client,
      checkAssertion,
      preset,
      clients,
    })
    const [first] = broken
    if (first === undefined) {
      const form = client && replaceAssertion(request.form, { client, preset, registration })
      return { seen, form }
    }
    for (const { rule, message } of broken) {
      const clientId = client?.clientId
      onRefusal({ rule, message, endpoint: request.endpoint, ...(clientId && { clientId }) })
    }
    return refuse(first, seen, client)
  }
}

function refuse(
  { rule, message }: BrokenEmulatorRule,
  seen: CheckedRequest['seen'],
  client: ProviderClient | undefined,
): CheckedRequest {
  const refusal = describeOnWire(message)
  return {
    ...(seen && { seen: { ...seen, refusal, rule } }),
    refusal,
    ...(client && { clientId: client.clientId }),
  }
}

interface Credentials {
  readonly methods: readonly ClientAuthMethod[]
  /** Whom the request may be from, the most telling first. */
  readonly clientIds: readonly (string | null | undefined)[]
  readonly jws: string | undefined
  readonly decoded: DecodedAssertion | undefined
}

function readCredentials(
  { form, authorization }: ClientRequest,
  { clientAuth }: Preset,
): Credentials {
  const assertion = form.get('client_assertion')
  const secret = form.get('client_secret')
  const isSigned = clientAuth.includes('signed_client_secret') && decodeAssertion(secret ?? '')
  const signed = isSigned ? (secret ?? undefined) : undefined
  const jws = assertion ?? signed
  const decoded = jws === undefined ? undefined : decodeAssertion(jws)
  const methods: ClientAuthMethod[] = []
  if (assertion !== null) {
    methods.push(decoded && isMac(decoded) ? 'client_secret_jwt' : 'private_key_jwt')
  }
  if (secret !== null) methods.push(signed ? 'signed_client_secret' : 'client_secret_post')
  if (/^basic /i.test(authorization ?? '')) methods.push('client_secret_basic')
  const { sub, iss } = decoded?.payload ?? {}
  const clientIds = [form.get('client_id'), readBasicUser(authorization), sub, iss]
  return { methods: methods.length === 0 ? ['none'] : methods, clientIds, jws, decoded }
}

/** @see RFC 6749, 2.3.1 */
function readBasicUser(authorization = ''): string | undefined {
  const [, credentials] = /^basic +([\w+/]+=*)$/i.exec(authorization) ?? []
  const [user] = Buffer.from(credentials ?? '', 'base64')
    .toString()
    .split(':')
  try {
    return user ? decodeURIComponent(user.replaceAll('+', '%20')) : undefined
  } catch {
    return undefined
  }
}

function findClient(
  { clientIds }: Credentials,
  clients: ProviderClients,
): ProviderClient | undefined {
  for (const clientId of clientIds) {
    const client = typeof clientId === 'string' ? clients.find(clientId) : undefined
    if (client) return client
  }
  return undefined
}

async function findBroken(
  { form, endpoint }: ClientRequest,
  parts: Pick<ClientAuthenticationParts, 'preset' | 'clients'> & {
    readonly credentials: Credentials
    readonly client: ProviderClient | undefined
    readonly checkAssertion: EmulatedAssertionCheck | undefined
  },
): Promise<readonly BrokenEmulatorRule[]> {
  const { credentials, client, checkAssertion, preset } = parts
  if (client === undefined) return [describeStranger(credentials)]
  const wrongWay = findWrongWay(credentials, client, preset)
  if (wrongWay !== undefined) return [{ rule: 'client_auth', message: wrongWay }]
  const [method = 'none'] = credentials.methods
  if (isSignedMethod(method) && checkAssertion) {
    const type = form.get('client_assertion_type')
    if (method === 'private_key_jwt' && type !== jwtBearer) {
      const message = `"client_assertion_type" must be ${jwtBearer}`
      return [{ rule: 'client_assertion_type', message }]
    }
    const { jws, decoded } = credentials
    if (jws === undefined || decoded === undefined) {
      return [{ rule: 'client_assertion', message: '"client_assertion" is not a JWT' }]
    }
    const formClientId = form.get('client_id') ?? undefined
    const receivedAt = Date.now() / 1000
    const broken = await checkAssertion({
      ...decoded,
      jws,
      client,
      formClientId,
      endpoint,
      receivedAt,
    })
    if (broken.length > 0) return broken
  }
  return preset.isIdTokenEncrypted ? await findLackingKey(endpoint, client, parts) : []
}

function describeStranger({ clientIds }: Credentials): BrokenEmulatorRule {
  // What is empty counts as left out: RFC 6749, 3.2
  const named = clientIds.find((clientId) => typeof clientId === 'string' && clientId !== '')
  const message =
    named === undefined
      ? 'the request names no client: "client_id" is required'
      : `no client is registered as ${JSON.stringify(named).slice(0, 200)}`
  return { rule: 'client', message }
}

/** Says how a client authenticated, where that is not how it should. */
function findWrongWay(
  { methods }: Credentials,
  client: ProviderClient,
  { clientAuth }: Preset,
): string | undefined {
  if (methods.length > 1) return `the client authenticates in two ways: ${methods.join(' and ')}`
  const [used = 'none'] = methods
  const registered = readClientAuth(client, { clientAuth })
  if (used === registered) return undefined
  const plain: readonly string[] = ['client_secret_basic', 'client_secret_post']
  const accepted: readonly string[] = clientAuth
  if (plain.includes(used) && plain.includes(registered) && accepted.includes(used)) {
    return undefined
  }
  const way = used === 'none' ? 'the client does not authenticate' : `${used} is not accepted`
  return accepted.includes(used)
    ? `the client is registered for ${registered}, and ${used} was used`
    : `${way}: it must be ${accepted.join(' or ')}`
}

/** An ID Token that must be encrypted needs a key to encrypt it for. */
async function findLackingKey(
  endpoint: ClientEndpoint,
  { clientId }: ProviderClient,
  { preset, clients }: Pick<ClientAuthenticationParts, 'preset' | 'clients'>,
): Promise<readonly BrokenEmulatorRule[]> {
  if (endpoint !== 'token') return []
  try {
    const known = (await clients.keysFor(clientId, undefined)) ?? []
    if (findEncryption(known, preset)) return []
  } catch (error) {
    return [describeUnreachable(error)]
  }
  const lacks =
    'ID Tokens are encrypted, and the JWK Set of the client has no key with "use": "enc"'
  const { encryption } = preset
  const message = encryption ? `${lacks} for ${encryption.algs.join(', ')}` : lacks
  return [{ rule: 'encryption_key', message }]
}

/** What oidc-provider is given: the secret that only it and the emulator know. */
function replaceAssertion(
  form: URLSearchParams,
  {
    client: { clientId },
    client,
    preset,
    registration,
  }: Pick<ClientAuthenticationParts, 'preset' | 'registration'> & {
    readonly client: ProviderClient
  },
): URLSearchParams | undefined {
  if (!isSignedMethod(readClientAuth(client, preset))) return undefined
  const replaced = new URLSearchParams(form)
  replaced.delete('client_assertion')
  replaced.delete('client_assertion_type')
  replaced.set('client_id', clientId)
  replaced.set('client_secret', registration.secretFor(clientId))
  return replaced
}
