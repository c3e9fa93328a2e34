/**
 * The part of oidc-provider 9 that is used. It ships no types, and its front door prints a warning on
 * Node 20; the two files named here do neither need nor print anything.
 */

declare module 'oidc-provider/lib/provider.js' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Interaction {
    readonly uid: string
    readonly returnTo: string
    readonly prompt: {
      readonly name: string
      readonly reasons: readonly string[]
      readonly details: { readonly missingOIDCScope?: readonly string[] }
    }
    readonly params: { readonly [name: string]: string | undefined }
    readonly session?: { readonly accountId?: string }
    readonly grantId?: string
  }

  export interface Grant {
    addOIDCScope(scope: string): void
    addOIDCClaims(claims: readonly string[]): void
    save(): Promise<string>
  }

  export interface Client {
    readonly clientId: string
    readonly clientName?: string
    grantTypeAllowed(type: string): boolean
  }

  export interface Session {
    readonly accountId?: string
    readonly acr?: string
    readonly state?: { readonly secret?: string }
    grantIdFor(clientId: string): string | undefined
  }

  /** Koa's context, with oidc-provider's own part in `oidc`. */
  export interface Context {
    readonly path: string
    readonly method: string
    status: number
    type: string
    body: unknown
    redirect(url: string): void
    readonly oidc?: {
      readonly route: string
      readonly params?: { readonly [name: string]: string | undefined }
      readonly client?: Client
      readonly session?: Session
      readonly account?: { readonly accountId: string }
      readonly result?: { readonly login?: unknown; readonly consent?: { grantId?: string } }
      readonly requestParamOIDCScopes: Iterable<string>
      readonly requestParamClaims: Iterable<string>
      urlFor(name: string): string
    }
  }

  export class Provider {
    constructor(issuer: string, configuration: object)
    readonly Client: { find(clientId: string): Promise<Client | undefined> }
    readonly Grant: {
      new (properties: { accountId: string; clientId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>
    use(middleware: (ctx: Context, next: () => Promise<void>) => Promise<void>): this
    on(event: string, listener: (...args: never[]) => void): this
    interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<Interaction>
    interactionFinished(
      req: IncomingMessage,
      res: ServerResponse,
      result: object,
      options?: { mergeWithLastSubmission?: boolean },
    ): Promise<void>
  }
}

declare module 'oidc-provider/lib/helpers/interaction_policy/index.js' {
  import type { Context } from 'oidc-provider/lib/provider.js'

  export class Check {
    constructor(reason: string, description: string, check: (ctx: Context) => boolean)
  }
  export interface Prompt {
    readonly checks: { add(check: Check): void }
  }
  export function base(): { get(name: string): Prompt | undefined }
}
