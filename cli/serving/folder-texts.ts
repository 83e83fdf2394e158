/** Why a folder gives no config. */
export interface FolderProblem {
  readonly problem: string;
  /** There is none yet. */
  readonly absent?: true;
  /** Not all of one version is there, as while a volume is brought up to date: the rest follows. */
  readonly incomplete?: true;
}

/** Config and endpoints as they stand in a folder. */
export interface Texts {
  readonly config: string;
  readonly endpoints: string;
}
