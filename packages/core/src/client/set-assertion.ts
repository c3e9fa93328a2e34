/**
 * Where a client assertion goes in a request, whoever made it.
 *
 * @module
 */

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Puts a client assertion into a request's form. @see RFC 7523, 2.2 */
export function setAssertion(body: URLSearchParams, clientId: string, assertion: string): void {
  body.set('client_id', clientId)
  body.set('client_assertion_type', jwtBearer)
  body.set('client_assertion', assertion)
}

/** Puts one in the place of a client secret. @see RFC 6749, 2.3.1 */
export function setSignedSecret(body: URLSearchParams, clientId: string, jwt: string): void {
  body.set('client_id', clientId)
  body.set('client_secret', jwt)
}

/** Whether a method has the client sign with a key of its own. */
export function isSignedMethod(
  method: unknown,
): method is 'private_key_jwt' | 'signed_client_secret' {
  return method === 'private_key_jwt' || method === 'signed_client_secret'
}
