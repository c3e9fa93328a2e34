/**
 * The recipe of docs/nestjs.md, word for word.
 *
 * @module
 */

import { type Oidc, OidcError, type OidcResponse, type Requirements } from '@countersign/fastify'
import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExecutionContext,
  HttpException,
  type HttpServer,
  Logger,
  UseGuards,
} from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'

function readOidc(context: ExecutionContext): Oidc {
  return context.switchToHttp().getRequest<{ readonly oidc: Oidc }>().oidc
}

/** Thrown by the guard, written by the filter: a redirect, a 401 or a 403. */
class LoginRefusal extends Error {
  readonly response: OidcResponse
  constructor(response: OidcResponse) {
    super(`the guard answered with ${response.status}`)
    this.response = response
  }
}

/** Lets a request pass only for an End-User who meets the requirements. */
export class LoginGuard implements CanActivate {
  readonly #requirements: Requirements | undefined
  constructor(requirements?: Requirements) {
    this.#requirements = requirements
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const response = await readOidc(context).require(this.#requirements)
    if (response) throw new LoginRefusal(response)
    return true
  }
}

/** Guards a controller or a handler. */
export const RequireLogin = (requirements?: Requirements) => UseGuards(new LoginGuard(requirements))

/** The End-User; `undefined` when anonymous. */
export const User = createParamDecorator((_: unknown, context) => readOidc(context).user)

/** Writes what the guard answers, and the errors of `accessToken()`, `userInfo()` and `refresh()`. */
@Catch(LoginRefusal, OidcError)
export class LoginFilter extends BaseExceptionFilter {
  readonly #server: HttpServer
  constructor(server: HttpServer) {
    super(server)
    this.#server = server
  }

  override catch(error: LoginRefusal | OidcError, host: ArgumentsHost): void {
    if (error instanceof OidcError) {
      const { status, code, publicMessage: message } = error
      if (status >= 500) Logger.error(error, LoginFilter.name)
      super.catch(new HttpException({ statusCode: status, code, message }, status), host)
      return
    }
    const { status, headers, body } = error.response
    const reply: unknown = host.switchToHttp().getResponse()
    for (const [name, value] of Object.entries(headers))
      this.#server.setHeader?.(reply, name, value)
    this.#server.reply(reply, body || undefined, status)
  }
}
