// Whether this browser is signed in to the admin listener. The token itself is kept by the server's cookie only.

import { call, onSignedOut } from '../api/client';
import { asProblem, type Problem } from '../api/problem';

class Session {
  /** `unknown` until the server was asked. */
  state = $state<'unknown' | 'in' | 'out'>('unknown');
  token_needed = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** A page was shown before: it is kept under the sign-in, so that nothing typed is lost. */
  had_page = $state(false);

  async ask(): Promise<void> {
    this.problem = null;
    try {
      const { token_needed, signed_in } = await call('GET /api/session');
      this.token_needed = token_needed;
      this.set(!token_needed || signed_in);
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** Throws the refusal. */
  async signIn(token: string): Promise<void> {
    await call('POST /api/session', { body: { token } });
    this.token_needed = true;
    this.set(true);
  }

  async signOut(): Promise<void> {
    await call('DELETE /api/session');
    this.had_page = false;
    this.state = 'out';
  }

  /** The server does not take our cookie any more. */
  ended(): void {
    this.token_needed = true;
    this.state = 'out';
  }

  private set(is_in: boolean): void {
    this.state = is_in ? 'in' : 'out';
    if (is_in) this.had_page = true;
  }
}

export const session = new Session();
onSignedOut(() => session.ended());
