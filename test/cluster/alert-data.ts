/**
 * The query of an alert, changed so that it has data whenever the metrics and labels that it names are there, whether the alert
 * holds or not: a comparison leaves out what it does not hold for, and with `bool` says 0 of that.
 */
export function dataOf(query: string): string {
  return (
    query
      // Where all is well, this leaves out all that there is.
      .replaceAll(/\sunless\s+\w+ by\s?\([^)]*\)\s?\([^)]*\)(\s==\s\d+)?/g, "")
      // No proxy may be in this state now.
      .replaceAll(/(condition="\w+"),\s?reason="\w+"/g, "$1")
      .replaceAll(/\s(==|!=|>|<)\s/g, " $1 bool ")
  );
}
