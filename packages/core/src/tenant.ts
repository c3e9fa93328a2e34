/**
 * Whom a request belongs to, as `resolve` says it.
 *
 * @module
 */

/**
 * What `resolve` returns for a request that belongs to all tenants, and sees whoever is signed in. It is a
 * symbol, so that nothing a client can write is taken for it; and a registered one, so that two copies of
 * this package mean the same.
 */
export const everyTenant: unique symbol = Symbol.for('@countersign/core everyTenant')

/** A provider's id, any other text or `undefined` for nobody, or `everyTenant`. */
export type Tenant = string | typeof everyTenant | undefined
