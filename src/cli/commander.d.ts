/** Types commander with inferred option types, which come from a development dependency. */
declare module 'commander' {
  export * from '@commander-js/extra-typings';
}
