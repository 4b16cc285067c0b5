// What the server warned of when a mapping was saved: shown on its page until it is read, also after the page was left for it.

class Notes {
  private of = $state<Record<string, string>>({});

  get(mapping_id: number | string): string | null {
    return this.of[mapping_id] ?? null;
  }

  put(mapping_id: number | string, text: string | undefined): void {
    if (text === undefined) this.drop(mapping_id);
    else this.of[mapping_id] = text;
  }

  drop(mapping_id: number | string): void {
    delete this.of[mapping_id];
  }
}

export const notes = new Notes();
