// Asks before what cannot be undone, or what many would notice. One question at a time.

export interface Question {
  title: string;
  /** What will happen, in a sentence or two. */
  text?: string;
  /** What will happen to what, when it is several. */
  facts?: string[];
  /** What cannot be taken back; leave it out when everything can. */
  cannot_undo?: string;
  /** The verb on the button. */
  action: string;
  danger?: boolean;
  /** Label of a reason that must be given. */
  reason?: string;
  /** What must be typed before the button works. */
  typed?: string;
}
/** What was answered: the reason where one was asked for. */
export interface Answer { reason: string }

class Confirming {
  question = $state.raw<Question | null>(null);
  private resolve: (answer: Answer | null) => void = () => {};

  /** Null when the person thought better of it. */
  ask(question: Question): Promise<Answer | null> {
    this.resolve(null);
    this.question = question;
    return new Promise((resolve) => { this.resolve = resolve; });
  }

  answer(answer: Answer | null): void {
    this.question = null;
    const resolve = this.resolve;
    this.resolve = () => {};
    resolve(answer);
  }
}

export const confirming = new Confirming();

export function confirm(question: Question): Promise<Answer | null> {
  return confirming.ask(question);
}
