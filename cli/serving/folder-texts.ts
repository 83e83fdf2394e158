/** Why a folder gives no config. */
export interface FolderProblem {
  readonly problem: string;
  /** There is none yet. */
  readonly absent?: true;
  /** Files of one version are missing, as while a volume is updated: they follow. */
  readonly incomplete?: true;
}

/** Config and endpoints as they stand in a folder. */
export interface Texts {
  readonly config: string;
  readonly endpoints: string;
}
