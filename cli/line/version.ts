/** The version of package.json, so that no file has to be read for it. A test checks that both are equal. */
export const VERSION = "0.1.0-rc.1";
