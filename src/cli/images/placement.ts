/** compat: some verbs of `images` are also verbs of their own, such as `atomic info` for `atomic images info`. */
export interface Placement {
  readonly isShort: boolean;
}
