// A body that came in, as a person reads it: set in lines, but every character of a value as it was sent (a number that is too large
// for JavaScript stays what it is). Pure.

/** JSON in lines when it is whole JSON; else as it came. `is_json` says which. */
export function readable(body: string): { text: string; is_json: boolean } {
  try {
    JSON.parse(body);
  } catch {
    return { text: body, is_json: false };
  }
  return { text: inLines(body), is_json: true };
}

/** A body of any form as text. */
export function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function inLines(json: string): string {
  const out: string[] = [];
  let depth = 0;
  const line = () => out.push('\n', '  '.repeat(depth));
  // Strings whole, brackets, commas and colons one by one, anything else up to the next of them.
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  for (const [i, token] of tokens.entries()) {
    if (token === '{' || token === '[') {
      out.push(token);
      if (tokens[i + 1] === '}' || tokens[i + 1] === ']') continue;
      depth += 1;
      line();
    } else if (token === '}' || token === ']') {
      const is_empty = tokens[i - 1] === '{' || tokens[i - 1] === '[';
      if (!is_empty) {
        depth -= 1;
        line();
      }
      out.push(token);
    } else if (token === ',') {
      out.push(token);
      line();
    } else out.push(token === ':' ? ': ' : token);
  }
  return out.join('');
}
