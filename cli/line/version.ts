/** The version of package.json; a test holds the two together, so that no file is read to know it. */
export const VERSION = "0.1.0-rc.1";
