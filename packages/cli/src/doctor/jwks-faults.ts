/**
 * What is wrong in a JWK Set that was read: private keys in it, ours not in it, or not as providers look
 * for them.
 *
 * @see RFC 7517, 4
 *
 * @module
 */

import { calculateThumbprint, type PublicJwk, type Signer } from '@countersign/core/keys'
import type { Problem } from './finding.ts'
import { isObject, shorten } from './untrusted.ts'

/** The keys that we have. */
export interface OwnKeys {
  /** The one that signs; `undefined` where it cannot be had. */
  readonly signer: Signer | undefined
  /** All that our JWK Set has to have; `undefined` where they cannot be had. */
  readonly published: readonly PublicJwk[] | undefined
}

/** Something that is wrong in a JWK Set. */
export interface SetFault {
  readonly problem: Problem
  /**
   * Whom it concerns: who reads the set; whoever looks at the app, since it says that the one that runs has
   * other keys; or everybody, since what is secret is not any more.
   */
  readonly concerns: 'readers' | 'app' | 'everybody'
  /** What it says of the app that runs. */
  readonly ofApp?: string
}

/** What only the owner of a key may have. @see RFC 7518, 6.2.2, 6.3.2, 6.4.1 */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

type Jwk = Readonly<Record<string, unknown>>

/** Finds what is wrong among the entries of a JWK Set. They may be anything. */
export function findSetFaults(
  entries: readonly unknown[],
  { signer, published = [] }: OwnKeys,
): readonly SetFault[] {
  const keys = entries.filter(isObject)
  return [
    ...findPrivate(keys),
    ...findUnreadable(entries),
    ...(signer ? findSigner(signer, keys) : []),
    ...findMissing(
      published.filter(({ kid, use }) => use === 'enc' || kid !== signer?.kid),
      keys,
    ),
  ]
}

function* findPrivate(keys: readonly Jwk[]): Generator<SetFault> {
  const found = keys.flatMap((key) => {
    const names = privateMembers.filter((name) => name in key)
    return names.length === 0 ? [] : [`key ${show(key['kid'])} shows its ${names.join(', ')}`]
  })
  if (found.length === 0) return
  yield {
    concerns: 'everybody',
    problem: {
      severity: 'broken',
      what: found,
      means:
        'The private key is public: whoever read it can sign in as this app, wherever it is registered.',
      fix: 'Take it down now, make a new key, and remove the old one at the provider.',
    },
  }
}

function* findUnreadable(entries: readonly unknown[]): Generator<SetFault> {
  const at = entries.findIndex((entry) => !isObject(entry))
  if (at === -1) return
  yield {
    concerns: 'readers',
    problem: {
      severity: 'broken',
      what: [`entry ${at + 1} of it is no key`],
      means: 'Providers may refuse the whole set: invalid_client.',
      fix: 'Look at what answers there: the app itself publishes keys alone.',
    },
  }
}

/** A provider takes the key by its `kid`, and has to find the right one, and no other. */
function findSigner({ kid, publicJwk }: Signer, keys: readonly Jwk[]): readonly SetFault[] {
  const named = keys.filter((key) => key['kid'] === kid)
  if (named.length === 0) return [findAbsence(kid, publicJwk, keys)]
  // A key that does both may be there twice. RFC 7517, 4.2
  const [first, ...others] = named.filter(({ use }) => use !== 'enc')
  if (!first) {
    const what = 'the key that signs is there for encryption ("use": "enc")'
    return [{ concerns: 'readers', problem: buildProblem(what) }]
  }
  if (others.length > 0) {
    const what = `${others.length + 1} keys have the name "${kid}"`
    return [{ concerns: 'readers', problem: { ...buildProblem(what), ...ambiguous } }]
  }
  if (isSame(first, publicJwk)) return []
  const what = `the key "${kid}" there is another one than the key that signs`
  return [{ ...anotherKey, problem: buildProblem(what) }]
}

const anotherKey = { concerns: 'app', ofApp: 'signs with another key than this one' } as const

const ambiguous = {
  means: 'A provider may take the other one, and find that no signature is good: invalid_client.',
  fix: 'Look at what answers there: the app itself publishes one key by a name.',
}

function buildProblem(what: string): Problem {
  return {
    severity: 'broken',
    what: [what],
    means: 'The provider does not find the key that an assertion names: invalid_client.',
    fix: 'Compare OIDC_CLIENT_KEY of the app with the one here, and restart the app if it changed.',
  }
}

function findAbsence(kid: string, publicJwk: PublicJwk, keys: readonly Jwk[]): SetFault {
  const other = keys.find((key) => isSame(key, publicJwk))
  if (other) {
    const what = `the key that signs is there as ${show(other['kid'])}, and signs as "${kid}"`
    const ofApp = 'has another name for its key than this one'
    return { concerns: 'app', ofApp, problem: buildProblem(what) }
  }
  const names = keys.map((key) => show(key['kid'])).join(', ')
  const what = `the key that signs, "${kid}", is not among ${shorten(names) || 'none'}`
  return { ...anotherKey, problem: buildProblem(what) }
}

/** Those that do not sign now: of encryption, and of a rotation. */
function* findMissing(published: readonly PublicJwk[], keys: readonly Jwk[]): Generator<SetFault> {
  const missing = published.filter((jwk) => !keys.some((key) => isPublishedAs(key, jwk)))
  const isForEncryption = ({ use }: PublicJwk) => use === 'enc'
  const encryption = missing.filter(isForEncryption)
  const signing = missing.filter((jwk) => !isForEncryption(jwk))
  if (encryption.length > 0) {
    yield {
      concerns: 'app',
      ofApp: 'decrypts with another key than this one',
      problem: {
        severity: 'broken',
        what: encryption.map(({ kid }) => `the key for encryption, ${show(kid)}, is not there`),
        means: 'The provider encrypts nothing, or for a key that is not ours.',
        fix: 'Compare OIDC_CLIENT_ENCRYPTION_KEY of the app with the one here, and restart the app if it changed.',
      },
    }
  }
  if (signing.length > 0) {
    yield {
      concerns: 'readers',
      problem: {
        severity: 'warning',
        what: signing.map(({ kid }) => `a key that is to be published, ${show(kid)}, is not there`),
        means: 'The provider does not find it on the day on which it signs: invalid_client.',
        fix: 'Give the app the keys that are used here; where a cache keeps the set, wait for its end.',
      },
    }
  }
}

function isPublishedAs(key: Jwk, jwk: PublicJwk): boolean {
  const { kid, use = jwk.use } = key
  return kid === jwk.kid && use === jwk.use && isSame(key, jwk)
}

function isSame(key: Jwk, jwk: PublicJwk): boolean {
  try {
    return calculateThumbprint(key as unknown as PublicJwk) === calculateThumbprint(jwk)
  } catch {
    // What cannot be read is no key of ours
    return false
  }
}

function show(kid: unknown): string {
  if (typeof kid === 'string') return shorten(JSON.stringify(kid), 60)
  return kid === undefined ? 'one without a kid' : 'one whose kid is no text'
}
