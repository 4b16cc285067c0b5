// What a page shows of the server: read when the page opens, when what it depends on changes, and when the server says that it changed.

import { untrack } from 'svelte';
import { asProblem, isAborted, type Problem } from '../api/problem';
import type { Page, Topic } from '../api/types';
import { live } from './live.svelte';

/** Changes that come in a burst are read once. */
const SETTLE_MS = 60;
const LIMIT_MAX = 500;

/** One answer of the server, kept fresh. What was read last stays shown while it is read anew or cannot be. */
export class Resource<T> {
  data = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(false);
  private load: (signal: AbortSignal) => Promise<T>;
  private running: AbortController | null = null;
  private settle: ReturnType<typeof setTimeout> | undefined;
  private again = false;

  constructor(load: (signal: AbortSignal) => Promise<T>) {
    this.load = load;
  }

  /** Reads anew; a reading under way is given up. */
  async reload(): Promise<void> {
    await this.run(untrack(() => this.load));
  }

  /** Reads anew soon, once for many calls. A reading under way is let finish: changes that never end must not keep it from that. */
  reloadSoon(): void {
    if (this.settle !== undefined) return;
    this.settle = setTimeout(() => {
      this.settle = undefined;
      if (this.running === null) void this.reload();
      else this.again = true;
    }, SETTLE_MS);
  }

  /** Puts in what a change answered, before the server is asked again. */
  put(data: T): void {
    this.data = data;
  }

  /** Runs `load` now: what it reads before its first await is what the caller's effect depends on. */
  async run(load: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    untrack(() => { this.loading = true; });
    try {
      const data = await load(running.signal);
      if (this.running !== running) return;
      this.data = data;
      this.problem = null;
    } catch (thrown) {
      if (this.running !== running || isAborted(thrown)) return;
      this.problem = asProblem(thrown);
    }
    this.loading = false;
    this.running = null;
    if (this.again) this.reloadSoon();
    this.again = false;
  }

  close(): void {
    clearTimeout(this.settle);
    this.settle = undefined;
    this.again = false;
    this.running?.abort();
    this.running = null;
  }
}

/**
 * A resource of the component that calls this during its set-up. State that `load` reads before its first await is what it depends on:
 * it is read anew when that changes, when one of `topics` changed, and after a lost connection.
 */
export function resource<T>(load: (signal: AbortSignal) => Promise<T>, topics: readonly Topic[] = []): Resource<T> {
  const made = new Resource(load);
  $effect(() => {
    void made.run(load);
  });
  keepFresh(made, topics);
  return made;
}

/** A list that is read page by page, kept fresh over all pages that are shown. */
export class List<T> extends Resource<Page<T>> {
  more_loading = $state(false);
  private readonly page: (page: { limit: number; after: string | null }, signal: AbortSignal) => Promise<Page<T>>;
  private readonly size: number;

  constructor(page: (page: { limit: number; after: string | null }, signal: AbortSignal) => Promise<Page<T>>, size: number) {
    super((signal) => this.whole(signal));
    this.page = page;
    this.size = size;
  }

  get items(): readonly T[] {
    return this.data?.items ?? [];
  }

  get hasMore(): boolean {
    return (this.data?.next_after ?? null) !== null;
  }

  /** Reads one page more. */
  async more(): Promise<void> {
    const shown = this.data;
    if (shown === null || shown.next_after === null || this.more_loading) return;
    this.more_loading = true;
    try {
      const next = await this.page({ limit: this.size, after: shown.next_after }, AbortSignal.timeout(60_000));
      if (this.data === shown) this.data = { items: [...shown.items, ...next.items], next_after: next.next_after };
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
    this.more_loading = false;
  }

  /** The first page: after a filter changed. */
  first(signal: AbortSignal): Promise<Page<T>> {
    return this.page({ limit: this.size, after: null }, signal);
  }

  /** As many items as are shown now. */
  private async whole(signal: AbortSignal): Promise<Page<T>> {
    const wanted = Math.max(this.size, untrack(() => this.items.length));
    let read: Page<T> = { items: [], next_after: null };
    do {
      const limit = Math.min(LIMIT_MAX, wanted - read.items.length);
      const next = await this.page({ limit, after: read.next_after }, signal);
      read = { items: [...read.items, ...next.items], next_after: next.next_after };
    } while (read.next_after !== null && read.items.length < wanted);
    return read;
  }
}

/** A whole list, page after page; an end is set to it, and what is beyond is left out. */
export async function readAll<T>(page: (after: string | null) => Promise<Page<T>>, pages_max = 10): Promise<Page<T>> {
  let read = await page(null);
  for (let n = 1; n < pages_max && read.next_after !== null; n++) {
    const next = await page(read.next_after);
    read = { items: [...read.items, ...next.items], next_after: next.next_after };
  }
  return read;
}

/** A list of the component that calls this during its set-up; as `resource`. */
export function list<T>(page: (page: { limit: number; after: string | null }, signal: AbortSignal) => Promise<Page<T>>, topics: readonly Topic[] = [], size = 100): List<T> {
  const made = new List(page, size);
  $effect(() => {
    void made.run((signal) => made.first(signal));
  });
  keepFresh(made, topics);
  return made;
}

/** Reads a list to its end, page by page: for pages that put all rows in order. To be called during set-up. */
export function readWhole<T>(made: List<T>): void {
  $effect(() => {
    if (made.hasMore && !made.loading && !made.more_loading && made.problem === null) void untrack(() => made.more());
  });
}

function keepFresh(made: Resource<never> | Resource<any>, topics: readonly Topic[]): void {
  $effect(() => {
    const end = live.onChanged(topics, () => made.reloadSoon());
    return () => {
      end();
      made.close();
    };
  });
}
