/**
 * GOV.UK One Login. The integration environment has the issuer
 * `https://oidc.integration.account.gov.uk/`.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** GOV.UK One Login: vectors of trust in place of `acr_values`, and no request without a User-Agent. */
export const govukOneLogin: Preset = {
  name: 'govuk-one-login',
  aliases: ['govuk'],
  title: 'GOV.UK One Login',
  sources: [
    'https://docs.sign-in.service.gov.uk/integrate-with-integration-environment/authenticate-your-user/',
    'https://docs.sign-in.service.gov.uk/before-integrating/set-up-your-public-and-private-keys/',
    'https://docs.sign-in.service.gov.uk/before-integrating/set-user-agent-header/',
  ],
  issuer: {
    default: 'https://oidc.account.gov.uk/',
    example: 'https://oidc.account.gov.uk/',
  },
  clientAuth: ['private_key_jwt', 'client_secret_post'],
  assertion: {
    // RSA keys only; it names no algorithm
    algs: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
    audience: ['token_endpoint', 'issuer'],
    // Required where it reads our JWK Set, which it recommends; with a fixed key it is ignored
    kid: 'thumbprint',
    required: ['jti'],
    isJtiSingleUse: true,
  },
  authorization: {
    defaults: { scope: 'openid email' },
    refusedScopes: ['profile'],
    responseModes: ['query', 'fragment'],
    minLengths: { state: 1, nonce: 1 },
  },
  // "P2" may be asked for, and is answered in UserInfo: "vot" has the credentials alone
  acr: { parameter: 'vtr', claim: 'vot', components: ['C'] },
  isUserAgentRequired: true,
  registration: {
    forms: ['jwks_uri', 'pem'],
    where: 'GOV.UK One Login admin tool > {service} > Client authentication > Public key',
  },
  logout: ['rp-initiated', 'back-channel'],
}
