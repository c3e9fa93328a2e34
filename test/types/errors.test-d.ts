/** Errors, told apart by `code` and by class. */

import {
  AuthenticationResponseError,
  ConfigurationError,
  type ErrorCode,
  KeyError,
  OidcError,
  ProviderError,
  SessionError,
  TokenValidationError,
  TransactionError,
} from '@countersign/core'
import type { Equals, Expect } from './equals.ts'

declare const error: unknown

export function tell(): string {
  if (error instanceof ConfigurationError) {
    return error.issues.map(({ path, message }) => `${path}: ${message}`).join('\n')
  }
  if (error instanceof ProviderError) return error.endpoint ?? error.error_description ?? ''
  if (error instanceof AuthenticationResponseError) return error.error_uri ?? ''
  if (error instanceof TransactionError) return error.reason satisfies string
  if (error instanceof TokenValidationError) return error.claim ?? error.tokenKind
  if (error instanceof KeyError) return error.kid ?? ''
  if (error instanceof SessionError) return error.publicMessage
  if (!(error instanceof OidcError)) return ''

  if (error.code === 'ERR_SIGNATURE') return error.code satisfies 'ERR_SIGNATURE'
  // @ts-expect-error the set of codes is closed
  if (error.code === 'ERR_SIGNATURES') return ''
  switch (error.code) {
    case 'ERR_TRANSACTION_MISSING':
      return `${error.status satisfies number}`
    default:
      return error.message
  }
}

export function change(known: OidcError): void {
  // @ts-expect-error a code is read, never written
  known.code = 'ERR_STATE'
}

export type Answers = [
  Expect<Equals<OidcError['code'], ErrorCode>>,
  Expect<Equals<ErrorCode extends `ERR_${string}` ? true : false, true>>,
  Expect<Equals<OidcError['publicMessage'], string>>,
  Expect<Equals<string extends ErrorCode ? true : false, false>>,
]
