/** Why a file or a folder gives nothing. */
export interface FileFault {
  readonly fault: "missing" | "unreadable";
  /** Names the file, and what to change where that is known. Never quotes the file. */
  readonly problem: string;
}

/** What an error of the file system says about a file, in words for its owner. */
export function fileFault(path: string, error: unknown, user = process.getuid?.()): FileFault {
  const { code = "EIO" } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return { fault: "missing", problem: `${path} does not exist` };
  const denied = code === "EACCES" || code === "EPERM";
  const words = denied
    ? `${path} cannot be read: user ${user} has no permission (${code}); grant it, in a volume of a pod with defaultMode 0444`
    : `${path} cannot be read (${code})`;
  return { fault: "unreadable", problem: words };
}
