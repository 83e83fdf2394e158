import type { YAMLParseError } from "yaml";

/** What is wrong with YAML, by the parser's code. The parser's own messages quote the text, which may hold a Secret. */
const WORDS: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) cannot have a tag or an anchor of its own",
  BAD_ALIAS: "this alias (*name) is malformed",
  BAD_COLLECTION_TYPE: "this tag does not go with a list or mapping",
  BAD_DIRECTIVE: "this directive (%…) is not known",
  BAD_DQ_ESCAPE: "this escape in a double-quoted text is not known; write \\\\ for a backslash",
  BAD_INDENT: "the indentation is wrong, or a closing character (a quote, ] or }) is missing above",
  BAD_PROP_ORDER: "tag and anchor must stand before the value",
  BAD_SCALAR_START: "a value cannot begin with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: 'more than one "key: value" on this line; put a value that holds ": " in quotes',
  BLOCK_IN_FLOW: "an indented list or mapping cannot stand inside [ ] or { }",
  DUPLICATE_KEY: "this key stands twice in the same mapping; remove one",
  IMPOSSIBLE: "the text cannot be read as YAML here",
  KEY_OVER_1024_CHARS: "this key is longer than 1024 characters",
  MISSING_CHAR: "a closing character is missing: a quote, ], }, or the : after a key",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line; is a : or a quote missing?",
  MULTIPLE_ANCHORS: "a value can have one anchor",
  MULTIPLE_DOCS: "documents must be separated by ---",
  MULTIPLE_TAGS: "a value can have one tag",
  NON_STRING_KEY: "a key must be a text",
  RESOURCE_EXHAUSTION: "aliases (*name) make the document too large",
  TAB_AS_INDENT: "tabs cannot indent; use spaces",
  TAG_RESOLVE_FAILED: "this tag (!…) is not known; remove it",
  UNEXPECTED_TOKEN: "the text cannot go on like this here; is the indentation right, is a quote or --- missing?",
};

/** A fault of the parser in words that follow the location. */
export function yamlFault({ code }: Pick<YAMLParseError, "code">): string {
  return `is not YAML: ${WORDS[code] ?? "the text cannot be read here"}`;
}
