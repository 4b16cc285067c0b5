// The address bar: what is shown, and how to go elsewhere. Links are plain <a href>; a click on one of ours is taken here.

import type { PageEntry } from '../pages';
import { match, withQuery } from './router_core';

class Router {
  pathname = $state(location.pathname);
  search = $state(location.search);
  /** Counts the pages that were gone to: a page is made anew also when only its query is another. */
  visits = $state(0);
  /** Asked before the page is left; false keeps it. */
  private guard: (() => boolean) | null = null;

  private pages = $state.raw<readonly PageEntry[]>([]);
  found = $derived(match(this.pages, this.pathname));
  query = $derived(new URLSearchParams(this.search));

  param(name: string): string {
    return this.found?.params[name] ?? '';
  }

  /** Goes to a path of ours, as a click on a link would. */
  go(address: string): void {
    const url = new URL(address, location.href);
    if (url.pathname + url.search === location.pathname + location.search) return;
    if (url.pathname !== location.pathname && this.guard !== null && !this.guard()) return;
    history.pushState(null, '', url);
    this.visits += 1;
    this.read();
  }

  /** Changes the query of this page in place: filters survive a reload and can be sent to somebody. */
  setQuery(changes: Record<string, string | null | undefined>): void {
    history.replaceState(null, '', location.pathname + withQuery(location.search, changes) + location.hash);
    this.read();
  }

  /** As long as the component is shown, `isSafe` is asked before another page is opened. */
  guardWith(isSafe: () => boolean): () => void {
    this.guard = isSafe;
    return () => { if (this.guard === isSafe) this.guard = null; };
  }

  /** Opens these pages by their addresses from now on; the answer ends it. */
  listen(pages: readonly PageEntry[]): () => void {
    this.pages = pages;
    const read = () => {
      this.visits += 1;
      this.read();
    };
    const click = (event: MouseEvent) => this.click(event);
    const unload = (event: BeforeUnloadEvent) => { if (this.guard !== null && !this.guard()) event.preventDefault(); };
    addEventListener('popstate', read);
    addEventListener('beforeunload', unload);
    document.addEventListener('click', click);
    return () => {
      removeEventListener('popstate', read);
      removeEventListener('beforeunload', unload);
      document.removeEventListener('click', click);
    };
  }

  private read(): void {
    this.pathname = location.pathname;
    this.search = location.search;
  }

  private click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (match(this.pages, link.pathname) === null || link.hash !== '') return;
    event.preventDefault();
    this.go(link.href);
  }
}

export const router = new Router();
