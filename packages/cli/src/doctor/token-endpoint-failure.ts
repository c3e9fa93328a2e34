/**
 * Why a token endpoint gave no answer that says anything of the client: what answered, and what to do.
 *
 * @see RFC 6749, 5.2
 *
 * @module
 */

import type { ProviderError } from '@countersign/core'
import { fault, type Problem, type Result } from './finding.ts'
import { describeNetworkFailure, readCode } from './network-failure.ts'
import { shorten } from './untrusted.ts'

interface Words extends Required<Pick<Problem, 'means' | 'fix'>> {
  /** After the token endpoint. */
  readonly seen: string
}

/** Describes it, as a warning: of the key it says nothing. */
export function describeNoAnswer(error: ProviderError): Result {
  const { seen, means, fix } = findWords(error)
  const what = error.endpoint ?? 'the token endpoint'
  return fault(
    'warning',
    `${what} ${seen}`,
    { means: `Whether the provider knows the key is not known. ${means}`, fix },
    { outcome: 'unknown', code: error.code },
  )
}

function findWords(error: ProviderError): Words {
  const { code, endpoint, message } = error
  const network = readCode(error.cause)
  if (code === 'ERR_PROVIDER_TIMEOUT' || network !== undefined) {
    const failure = describeNetworkFailure(
      network === undefined ? { code: 'ETIMEDOUT' } : error.cause,
    )
    return { ...failure, seen: `cannot be reached: ${failure.seen}` }
  }
  const status = readStatus(message)
  if (status === 429) {
    return {
      seen: 'answers 429: it was asked too often',
      means: 'The provider limits requests: of this client, or of this network.',
      fix: 'Ask again later; if it goes on, look for who asks that often, or have the limit raised.',
    }
  }
  if (status !== undefined && status >= 500) {
    return {
      seen: `answers ${status}`,
      means: 'The provider is out of order, and no login can end until it is back.',
      fix: 'Look at its status page, and run the doctor again.',
    }
  }
  if (status !== undefined && status >= 300 && status < 400) {
    return {
      seen: `answers with a redirect (${status}), and redirects are not followed`,
      means: 'What answers there is no token endpoint, or something stands before it.',
      fix: 'Look at the metadata, and at a proxy or a login between this machine and the provider.',
    }
  }
  const said = message.slice((endpoint ?? '').length)
  return {
    seen: said.startsWith(' ')
      ? shorten(said.trim())
      : `answers as no token endpoint does${shorten(said)}`,
    means: 'Something else answers in its place: a firewall, a proxy, or a page about an error.',
    fix: 'Look at what stands between this machine and the provider, and at its status page.',
  }
}

/** Our own messages name it, and errors have it nowhere else. */
function readStatus(message: string): number | undefined {
  const found = /\(status (\d{3}),|\((\d{3})\)|answered (\d{3})$/.exec(message)
  const status = found?.[1] ?? found?.[2] ?? found?.[3]
  return status === undefined ? undefined : Number(status)
}
