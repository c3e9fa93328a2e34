/**
 * What the sessions of peers hold that leave it to the app: the claims that ours holds, to the letter.
 *
 * @module
 */

/** Picks from an ID Token's claims those that outlive the login: all but `nonce` and `at_hash`. */
export function pickKeptClaims({ nonce: _nonce, at_hash: _hash, ...claims }) {
  return claims
}
