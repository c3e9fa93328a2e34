/**
 * Why a key cannot be had, or does not sign: what each reason means, and what to do.
 *
 * @module
 */

import { KeyError, type KeyErrorReason } from '@countersign/core'
import { fault, type Problem, type Result } from './finding.ts'
import { shorten } from './untrusted.ts'

type Advice = Required<Pick<Problem, 'means' | 'fix'>>

const advice: Readonly<Record<KeyErrorReason, Advice>> = {
  denied: {
    means: 'The key store knows this process, and does not let it use this key.',
    fix: 'Grant what the message names to the identity that the app runs as, for this one key.',
  },
  credentials: {
    means:
      'The key store does not know who this process is: no credentials, wrong ones, or old ones.',
    fix: 'Give this process the credentials of the app: the doctor must run where the app runs.',
  },
  'not-found': {
    means: 'There is no such key: another region, project, vault or token, or a misspelt name.',
    fix: 'Compare OIDC_CLIENT_KEY with the name of the key in its store, region included.',
  },
  unavailable: {
    means: 'The key store cannot be reached from here, or is out of order.',
    fix: 'Look at the network, the proxy and the status page of the key store.',
  },
  timeout: {
    means: 'The key store did not answer in time: each login would wait as long, and fail.',
    fix: 'Look at the network between this machine and the key store.',
  },
  throttled: {
    means: 'The key store has too many requests, of this app or of others in the same account.',
    fix: 'Ask again later; if it goes on, have the quota raised.',
  },
  disabled: {
    means: 'The key is there, and switched off or about to be destroyed.',
    fix: 'Switch it on again, or name another key; a new one must be registered at the provider first.',
  },
  'unsupported-algorithm': {
    means:
      'The key cannot sign with this algorithm: it is of another kind, or made for another use.',
    fix: 'Make a key for signing, of a kind that fits the algorithm.',
  },
  'bad-signature': {
    means: 'What the key store returns does not verify under the public key that it shows.',
    fix: 'Name one version of the key, not an alias that moves; else tell those who run the store.',
  },
}

const otherwise: Advice = {
  means:
    'Nothing can be signed: every login ends when the provider has already asked the End-User.',
  fix: 'Make the key readable for the user that the app runs as.',
}

/** Describes why there is no key to sign with. */
export function describeKeyFailure(error: unknown): Result {
  if (!(error instanceof KeyError)) throw error
  const { reason, code, message } = error
  const facts = { code, ...(reason && { reason }) }
  if (code === 'ERR_NO_KEY') {
    return fault(
      'broken',
      shorten(message),
      {
        means: 'Every key has a time in which it may sign, and none of them is now.',
        fix: 'Look at the timeline (npx countersign keys list), and add a key: npx countersign keys rotate.',
      },
      facts,
    )
  }
  return fault('broken', shorten(message), reason ? advice[reason] : otherwise, facts)
}
