/**
 * What providers are known to say when they refuse a client, and what they mean by it: data, gathered
 * from their documents, their sources and the threads of those who had to find out.
 *
 * @module
 */

import { entraRefusals } from './entra-refusals.ts'
import { compareClocks, type KnownRefusal } from './known-refusal.ts'

/** Who says what more than one provider says. */
const severalProviders = 'several'

/** All of them. The first one that matches counts: those of one provider before those of many. */
export const knownRefusals: readonly KnownRefusal[] = [
  {
    from: 'Okta',
    text: 'The client_assertion JWT kid is invalid.',
    pattern: /client_assertion JWT kid is invalid/i,
    rule: 'kid',
    message: 'Okta has no key with this "kid" for this client, or several keys and was sent none',
    fix: 'register the JWK with its "kid", or give the key the name that Okta has for it ("?kid=…"); "assertion.kid" must not be false',
    source: 'https://github.com/okta/okta-sdk-python/issues/289',
  },
  {
    from: 'Okta',
    text: 'The audience claim for client_assertion must be the endpoint invoked for the request.',
    pattern: /audience claim for client_assertion must be the endpoint/i,
    rule: 'aud',
    message: 'Okta wants the URL that is called as "aud"',
    fix: 'set "assertion.audience" to "called_endpoint"',
    source: 'https://github.com/okta/okta-sdk-dotnet/issues/600',
  },
  {
    from: 'Okta',
    text: 'The client_assertion token has an expiration too far into the future.',
    pattern: /expiration too far into the future/i,
    rule: 'lifetime',
    message: 'Okta takes no assertion that lasts more than an hour by its own clock',
    fix: 'leave "assertion.lifetime" at 60, and compare the two clocks',
    source: 'https://github.com/okta/okta-sdk-python/issues/382',
  },
  {
    from: 'Okta',
    text: 'The client_assertion_type is invalid.',
    pattern: /client_assertion_type is invalid/i,
    rule: 'client',
    message: 'the provider expects a client assertion, and the request has none that it can read',
    fix: 'authenticate with "private_key_jwt": set "clientKey", or have the function in "clientAuth" return an assertion',
  },
  {
    from: 'Maskinporten, ID-porten',
    text: 'Unknown key identifier (kid) for client',
    pattern: /Unknown key identifier \(kid\)/i,
    rule: 'kid',
    message: 'the "kid" is sent, and no key of that name is registered for this client',
    fix: 'add the public JWK with this "kid" to the client',
    source: 'https://github.com/ks-no/fiks-maskinporten-client-dotnet/issues/186',
  },
  ...entraRefusals,
  {
    from: 'Keycloak',
    text: 'Token reuse detected',
    pattern: /Token reuse detected/i,
    rule: 'jti',
    message: 'the same assertion came twice',
    fix: 'look for a proxy that repeats requests, or a function in "clientAuth" that returns an assertion twice: each request needs a new one',
    source: 'https://github.com/keycloak/keycloak/issues/49215',
  },
  {
    from: 'Keycloak',
    text: 'Token cannot be validated. Neither the exp nor the iat claim are present.',
    pattern: /Neither the exp nor (?:the )?iat claim/i,
    rule: 'exp',
    message: 'the assertion has neither "exp" nor "iat"',
    fix: 'have the function in "clientAuth" set both; an assertion that is made here has them',
  },
  {
    from: 'Keycloak',
    text: 'Token was issued too far in the past to be used now',
    pattern:
      /issued too far in the past|Token expiration is too far in the future|Token is not active/i,
    rule: 'clock',
    message: 'by its own clock, Keycloak got the assertion too late, or too early, to take it',
    fix: `${compareClocks} (60 s is the most that Keycloak takes unless told)`,
    source: 'https://github.com/keycloak/keycloak/issues/38576',
  },
  {
    from: 'Keycloak',
    text: 'Token jti claim is required',
    pattern: /Missing ID on the token|jti claim is required/i,
    rule: 'jti',
    message: 'the assertion has no "jti"',
    fix: 'have the function in "clientAuth" set one; an assertion that is made here has one',
  },
  {
    from: 'Keycloak',
    text: "Token audience doesn't match domain",
    pattern: /Token audience doesn'?t match|Invalid token audience/i,
    rule: 'aud',
    message: 'Keycloak knows itself under another URL than the one in "aud"',
    fix: 'compare "issuer" with the frontend URL of the realm; older ones want "assertion.audience": "token_endpoint"',
  },
  {
    from: 'Keycloak',
    text: 'Unable to load public key',
    pattern: /Unable to load public key|Signature on JWT token failed/i,
    rule: 'key',
    message:
      'Keycloak has no key of this "kid" for the client, or cannot fetch the JWKS URL, or has an old copy',
    fix: 'at Clients > {client} > Keys set the JWKS URL, and open that URL from the machine that Keycloak runs on; or upload the JWK Set again',
  },
  {
    from: 'OpenIddict',
    text: 'ID2089',
    pattern: /\bID2089\b/,
    rule: 'typ',
    message: 'OpenIddict wants a client assertion to say so in its "typ"',
    fix: 'set "assertion.typ" to "client-authentication+jwt"',
    source: 'https://documentation.openiddict.com/errors/ID2089',
  },
  {
    from: 'OpenIddict',
    text: 'ID2173',
    pattern: /\bID2173\b/,
    rule: 'aud',
    message: 'OpenIddict wants its issuer as "aud", and no other URL',
    fix: 'leave "assertion.audience" at "issuer"',
    source: 'https://documentation.openiddict.com/errors/ID2173',
  },
  {
    from: 'Spring Authorization Server',
    text: 'Client authentication failed: authentication_method',
    pattern: /authentication failed: authentication_method/i,
    rule: 'client',
    message: 'another authentication method is registered for this client than was used',
    fix: 'add the method to the registered client, with "jwkSetUrl" and the signing algorithm for "private_key_jwt"',
  },
  {
    from: 'Spring Authorization Server',
    text: 'Client authentication failed: client_assertion',
    pattern: /authentication failed: client_assertion/i,
    rule: 'key',
    message:
      'the assertion is not acceptable, most often because of the key: an old JWK Set is kept',
    fix: 'publish a new key a while before it signs ("notBefore"), and compare the algorithm that the client is registered with',
    source: 'https://github.com/spring-projects/spring-authorization-server/issues/897',
  },
  {
    from: severalProviders,
    text: 'signature verification failed',
    pattern:
      /signature verification (?:failed|failure)|invalid signature|signature (?:is )?(?:not valid|invalid)|contains an invalid signature/i,
    rule: 'key',
    message: 'the signature does not verify under the key that is registered',
    fix: 'compare the public key there with the one that this app publishes: "npx countersign jwks"',
  },
  {
    from: severalProviders,
    text: 'no applicable key found',
    pattern: /no (?:applicable|matching|suitable|such) key|key (?:was )?not found|unknown kid/i,
    rule: 'key',
    message: 'no key that is registered has this "kid" and "alg"',
    fix: 'compare "kid" and "alg" of the header with what is registered',
  },
  {
    from: severalProviders,
    text: 'unexpected "aud" claim value',
    pattern: /unexpected "aud"|(?:invalid|wrong|unexpected|mismatch\w*) (?:"?aud"?|audience)\b/i,
    rule: 'aud',
    message: 'the provider wants another "aud"',
    fix: 'try "token_endpoint" as "assertion.audience", or what the documents of the provider say',
  },
  {
    from: severalProviders,
    text: '"exp" claim timestamp check failed',
    pattern: /"(?:exp|iat|nbf)" claim timestamp|(?:assertion|token|jwt) (?:has |is )?expired/i,
    rule: 'clock',
    message: "the assertion was over, or had not begun, by the provider's clock",
    fix: compareClocks,
  },
  {
    from: severalProviders,
    text: 'the jti was used',
    pattern: /jti\b.{0,40}\b(?:used|reuse|replay)|(?:already|been) (?:been )?used|replay/i,
    rule: 'jti',
    message: 'the same assertion came twice',
    fix: 'look for a proxy that repeats requests: an assertion that is made here is sent once',
  },
  {
    from: severalProviders,
    text: 'unknown client',
    pattern:
      /(?:unknown|invalid|no such) client\b(?! (?:assertion|auth|secret|cred))|client (?:is )?(?:not found|invalid)/i,
    rule: 'client',
    message: 'the provider has no client of this "client_id"',
    fix: 'compare "clientId" and "issuer" with the page of this client at the provider: test and production have clients of their own',
  },
]

/** Longer texts are not looked through. */
const maxText = 4096

/** Finds out what a provider means, where its words are known. */
export function findKnownRefusal(untrustedText: string): KnownRefusal | undefined {
  const text = untrustedText.slice(0, maxText)
  return knownRefusals.find(({ pattern }) => pattern.test(text))
}

/** Whether a text, whatever the error is called, says that the client is refused. */
export function isKnownOfClients(untrustedText: string): boolean {
  const known = findKnownRefusal(untrustedText)
  return known !== undefined && known.from !== severalProviders
}
