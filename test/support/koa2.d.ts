/** Koa 2 under its alias; for what the tests use, its types are Koa 3's. */
declare module 'koa2' {
  import koa from 'koa'

  // biome-ignore lint/style/noDefaultExport: as Koa is published
  export default koa
}
