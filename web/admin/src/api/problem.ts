// What can go wrong with a call, in one shape for every page.

/** A refusal of the server, or no answer at all (`status` 0). `field` is the dotted path of the field that is at fault. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly correlation_id: string | null;

  constructor(facts: { status: number; code: string; message: string; field?: string | null; correlation_id?: string | null }) {
    super(facts.message);
    this.name = 'Problem';
    this.status = facts.status;
    this.code = facts.code;
    this.field = facts.field ?? null;
    this.correlation_id = facts.correlation_id ?? null;
  }
}

/** What the body of a refusal says; a body that is not ours (of a proxy, say) leaves the status to speak. */
export function problemOf(status: number, body: unknown): Problem {
  const said = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const word = (key: string) => (typeof said[key] === 'string' && said[key] !== '' ? (said[key] as string) : null);
  return new Problem({
    status,
    code: word('error_code') ?? `status_${status}`,
    message: word('message') ?? word('error_code') ?? `The server answered ${status}.`,
    field: word('field'),
    correlation_id: word('correlation_id'),
  });
}

/** Whatever was thrown, as a problem. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    return new Problem({ status: 0, code: 'timed_out', message: 'The server did not answer in time.' });
  }
  if (thrown instanceof TypeError && /fetch|network|load failed/i.test(thrown.message)) {
    return new Problem({ status: 0, code: 'unreachable', message: 'The server cannot be reached.' });
  }
  return new Problem({ status: 0, code: 'fault', message: thrown instanceof Error ? thrown.message : String(thrown) });
}

/** Whether nothing is wrong but that the page was left or asked anew. */
export function isAborted(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

/** Whether what was to be changed is not what it was when it was read. */
export function isStale(problem: Problem): boolean {
  return problem.status === 409;
}

/** The problem's words for this field (or for one below it), else null. */
export function fieldProblem(problem: Problem | null, field: string): string | null {
  if (problem === null || problem.field === null) return null;
  const hit = problem.field === field || problem.field.startsWith(`${field}.`) || problem.field.startsWith(`${field}[`);
  return hit ? problem.message : null;
}
