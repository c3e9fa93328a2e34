/**
 * What an emulator demands of a JWT by which a client authenticates: a client assertion, or a
 * `client_secret` that is one.
 *
 * @module
 */

import type { AssertionDemands } from '@countersign/core'
import { findBrokenRules } from '@countersign/core/inspection'
import type { JWK } from 'jose'
import type { ClientEndpoint, DecodedAssertion } from './client-assertion.ts'
import { findBrokenKeyRule } from './emulated-key.ts'
import type { BrokenEmulatorRule } from './emulator-rules.ts'
import { endpointPaths } from './endpoint-paths.ts'
import type { ProviderClient } from './provider-client.ts'
import type { ProviderClients } from './provider-clients.ts'
import { createUsedIds } from './used-ids.ts'

/** A JWT by which a client authenticates, and the request that it came with. */
export interface SentAssertion extends DecodedAssertion {
  readonly jws: string
  readonly client: ProviderClient
  /** The form's `client_id`. */
  readonly formClientId: string | undefined
  readonly endpoint: ClientEndpoint
  /** NumericDate. */
  readonly receivedAt: number
}

/** Finds every rule that an assertion breaks. */
export type EmulatedAssertionCheck = (sent: SentAssertion) => Promise<readonly BrokenEmulatorRule[]>

/** Creates the check by a provider's demands. */
export function createEmulatedAssertionCheck(
  demands: AssertionDemands,
  { issuer, clients }: { readonly issuer: string; readonly clients: ProviderClients },
): EmulatedAssertionCheck {
  const usedIds = createUsedIds()
  const urlOf = (endpoint: ClientEndpoint) => issuer.replace(/\/$/, '') + endpointPaths[endpoint]

  return async function findBroken(sent) {
    const { client, header, payload, receivedAt } = sent
    const broken: readonly BrokenEmulatorRule[] = findBrokenRules(demands, {
      header: { ...header },
      claims: payload,
      clientId: client.clientId,
      formClientId: sent.formClientId,
      issuer,
      tokenEndpoint: urlOf('token'),
      endpoint: urlOf(sent.endpoint),
      now: receivedAt,
    })
    const own = [
      checkTeam(sent, demands),
      // An algorithm that is not accepted needs no key; and a wrong name has been named
      ...(broken.some(({ rule }) => isOfKey.has(rule)) ? [] : [await checkKey(sent)]),
    ].filter((found) => found !== undefined)
    const all = [...broken, ...own]
    if (all.length > 0 || !demands.isJtiSingleUse || payload.jti === undefined) return all
    const isNew = usedIds.add(`${client.clientId} ${payload.jti}`, payload.exp ?? receivedAt)
    if (isNew) return []
    return [{ rule: 'jti_once', message: '"jti" was used before: every request needs a new one' }]
  }

  async function checkKey(sent: SentAssertion): Promise<BrokenEmulatorRule | undefined> {
    const { clientId, assertionAlg } = sent.client
    let keys: readonly JWK[]
    try {
      keys = (await clients.keysFor(clientId, sent.header.kid)) ?? []
    } catch (error) {
      return describeUnreachable(error)
    }
    return findBrokenKeyRule(sent, { keys, assertionAlg }, demands)
  }
}

const isOfKey: ReadonlySet<string> = new Set(['alg', 'kid', 'certificate'])

/** Says that the JWK Set of a client could not be had. */
export function describeUnreachable(error: unknown): BrokenEmulatorRule {
  const reason = error instanceof Error ? error.message : String(error)
  return { rule: 'jwks_uri', message: `the JWK Set of the client cannot be fetched: ${reason}` }
}

function checkTeam(
  { client, payload }: SentAssertion,
  { issuer }: AssertionDemands,
): BrokenEmulatorRule | undefined {
  if (!issuer || payload.iss === client.teamId || payload.iss === client.clientId) return undefined
  if (typeof payload.iss !== 'string') return undefined
  const is = JSON.stringify(payload.iss).slice(0, 200)
  const message = `"iss" must be the ${issuer.name} of the client, "${client.teamId}", and is ${is}`
  return { rule: 'iss', message }
}
