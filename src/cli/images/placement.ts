/** compat: some verbs of `images` are also, without being shown in the help, verbs of their own. */
export interface Placement {
  readonly isHidden: boolean;
}
