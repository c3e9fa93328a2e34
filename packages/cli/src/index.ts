/**
 * The program, for those who run it inside another one, and the certificates that it makes.
 *
 * @module
 */

export { type GeneratedCertificate, generateCertificate } from './certificate.ts'
export { runProgram } from './program.ts'
export type { Output, Surroundings } from './surroundings.ts'
