/**
 * Where the local provider's endpoints are.
 *
 * @module
 */

/** The paths of the provider's endpoints. */
export const endpointPaths = {
  authorization: '/authorize',
  token: '/token',
  pushed_authorization_request: '/par',
  revocation: '/revoke',
  introspection: '/introspect',
  userinfo: '/userinfo',
  jwks: '/jwks',
  end_session: '/logout',
} as const
