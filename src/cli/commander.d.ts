/** commander with inferred option types; the types are a dev dependency, the code is commander's own. */
declare module 'commander' {
  export * from '@commander-js/extra-typings';
}
