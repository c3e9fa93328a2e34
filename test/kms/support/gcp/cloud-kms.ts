/**
 * The service in front of a key ring: who asks, how it misbehaves, and what it was asked.
 *
 * @module
 */

import type { StoreFault } from '../../../contract/key-source.ts'
import type { KeyRing, Message } from './key-ring.ts'
import { RpcFault } from './rpc-fault.ts'

/** The token that the service accepts. */
export const token = 'ya29.right-token'

/** One call as it arrives. */
export interface Call {
  readonly method: string
  readonly request: Message
  /** One header of HTTP, or one entry of gRPC's metadata. */
  header(name: string): string | undefined
}

/** The service. */
export interface Service {
  readonly ring: KeyRing
  /** The methods that were called, in their order. */
  readonly calls: string[]
  answer(call: Call): Promise<Message>
  misbehave(fault: StoreFault, times: number): void
  recover(): void
  /** Changes the answers of one method from now on. */
  alter(method: string, change: (answer: Message) => Message): void
}

/** Creates the service. */
export function createService(ring: KeyRing): Service {
  const calls: string[] = []
  let fault: StoreFault | undefined
  let times = 0
  const changes = new Map<string, (answer: Message) => Message>()

  return {
    ring,
    calls,
    async answer({ method, request, header }) {
      calls.push(method)
      if (fault && times > 0) {
        times -= 1
        await misbehaveNow(fault)
      }
      if (header('authorization') !== `Bearer ${token}`) {
        const message =
          'Request had invalid authentication credentials. Expected OAuth 2 access token, login ' +
          'cookie or other valid authentication credential.'
        throw new RpcFault('UNAUTHENTICATED', message)
      }
      // By this header a call finds its region
      const route = new URLSearchParams(header('x-goog-request-params'))
      const field = method === 'listCryptoKeyVersions' ? 'parent' : 'name'
      if (route.get(field) !== request[field]) {
        throw new RpcFault('INVALID_ARGUMENT', `The call is not routed by its ${field}.`)
      }
      const answer = ring.call(method, request)
      return changes.get(method)?.(answer) ?? answer
    },
    misbehave(next, count) {
      fault = next
      times = count
    },
    recover() {
      times = 0
      changes.clear()
    },
    alter(method, change) {
      changes.set(method, change)
    },
  }
}

async function misbehaveNow(fault: StoreFault): Promise<void> {
  if (fault === 'hanging') await new Promise(() => {})
  if (fault === 'unavailable') {
    throw new RpcFault('UNAVAILABLE', 'The service is currently unavailable.')
  }
  const message =
    "Quota exceeded for quota metric 'Cryptographic requests' and limit 'Cryptographic requests " +
    "per minute' of service 'cloudkms.googleapis.com'."
  throw new RpcFault('RESOURCE_EXHAUSTED', message)
}
