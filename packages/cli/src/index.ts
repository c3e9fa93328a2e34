/**
 * The program, for those who run it inside another one.
 *
 * @module
 */

export { runProgram } from './program.ts'
export type { Output, Surroundings } from './surroundings.ts'
