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
    readonly backchannelLogoutUri?: string
    /** Metadata that oidc-provider does not know keeps its wire name. */
    readonly frontchannel_logout_uri?: string
    readonly frontchannel_logout_session_required?: boolean
    grantTypeAllowed(type: string): boolean
    /** Whether the client's ID Tokens carry `sid`. */
    includeSid(): boolean
    /** Sends a Logout Token. Rejects when the answer is neither 200 nor 204, or none comes. */
    backchannelLogout(sub: string, sid: string | undefined): Promise<void>
  }

  export interface Session {
    readonly accountId?: string
    readonly acr?: string
    readonly state?: { readonly secret?: string; readonly clientId?: string }
    /** The logins of this session, by `client_id`. */
    readonly authorizations?: { readonly [clientId: string]: { readonly sid?: string } }
    grantIdFor(clientId: string): string | undefined
  }

  /** Koa's context, with oidc-provider's own part in `oidc`. */
  export interface Context {
    readonly path: string
    readonly method: string
    readonly query: { readonly [name: string]: string | undefined }
    status: number
    type: string
    body: unknown
    readonly res: ServerResponse
    readonly response: { get(name: string): string }
    set(name: string, value: string): void
    remove(name: string): void
    redirect(url: string): void
    readonly oidc?: {
      readonly route: string
      readonly params?: { readonly [name: string]: string | undefined }
      readonly body?: { readonly [name: string]: string | undefined }
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
    readonly Client: {
      readonly prototype: Client
      find(clientId: string): Promise<Client | undefined>
    }
    readonly IdToken: {
      readonly prototype: { payload(): Promise<{ readonly [claim: string]: unknown }> }
    }
    readonly Session: { get(ctx: Context): Promise<Session> }
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
  export class Prompt {
    constructor(options: { readonly name: string; readonly requestable: boolean })
    readonly checks: { add(check: Check): void }
  }
  export function base(): {
    get(name: string): Prompt | undefined
    add(prompt: Prompt, index: number): void
  }
}
