// The one WebSocket of the page: what it last said, and who is told of what. Rules are in connection_core.ts.

import { untrack } from 'svelte';
import { call } from '../api/client';
import type { LiveFrame, Pulse, Topic, Watched } from '../api/types';
import { session } from '../shell/session.svelte';
import { afterClose, closeWords, concerns, failuresAfterClose, readFrame, retryDelayMs, SILENCE_MS_MAX, Watches } from './connection_core';

export type FrameOf<T extends LiveFrame['type']> = Extract<LiveFrame, { type: T }>;
type WatchedFrame = { signals: FrameOf<'signal'>; actors: FrameOf<'actors'>; targets: FrameOf<'targets'> };
const FRAME_OF: Record<string, Watched> = { signal: 'signals', actors: 'actors', targets: 'targets' };

class Live {
  state = $state<'connecting' | 'open' | 'waiting' | 'stopped'>('connecting');
  /** Why it is not open, in words for a person. */
  why = $state('');
  pulse = $state.raw<Pulse | null>(null);
  version = $state('');
  /** Counts connections that came up: what is shown is read anew after each but the first, for nobody told what changed meanwhile. */
  openings = $state(0);
  /** Server's clock less ours. */
  clock_ahead_ms = 0;

  private socket: WebSocket | null = null;
  private failures = 0;
  private welcomed_at_ms: number | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private watches = new Watches();
  private watchers = new Map<Watched, Set<(frame: never) => void>>();
  private listeners = new Set<{ topics: readonly Topic[]; told: () => void }>();
  private pulsed = new Set<(pulse: Pulse) => void>();

  /** Whether what is shown may be old. */
  get isStale(): boolean {
    return this.state !== 'open';
  }

  start(): void {
    if (this.socket !== null) return;
    clearTimeout(this.retry);
    this.state = 'connecting';
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live`);
    this.socket = socket;
    this.welcomed_at_ms = null;
    socket.onmessage = ({ data }) => this.take(socket, readFrame(data));
    socket.onclose = ({ code }) => void this.closed(socket, code);
    this.expectFrame(socket);
  }

  stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    this.state = 'stopped';
    socket?.close();
  }

  /** Tries at once instead of when it is time. */
  retryNow(): void {
    this.failures = 0;
    if (this.socket === null) this.start();
  }

  /** Called with every frame of this topic from now on; the answer ends it. */
  watch<T extends Watched>(topic: T, told: (frame: WatchedFrame[T]) => void): () => void {
    const watchers = this.watchers.get(topic) ?? new Set();
    this.watchers.set(topic, watchers.add(told as (frame: never) => void));
    if (this.watches.add(topic)) this.tellWatches();
    return () => {
      watchers.delete(told as (frame: never) => void);
      if (this.watches.remove(topic)) this.tellWatches();
    };
  }

  /** Called when one of the topics changed, and when the connection is there again; the answer ends it. */
  onChanged(topics: readonly Topic[], told: () => void): () => void {
    const listener = { topics, told };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called with every pulse; the answer ends it. */
  onPulse(told: (pulse: Pulse) => void): () => void {
    this.pulsed.add(told);
    return () => this.pulsed.delete(told);
  }

  private tellWatches(): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(this.watches.frame());
  }

  private expectFrame(socket: WebSocket): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      if (socket !== this.socket) return;
      socket.close();
      void this.closed(socket, 1006);
    }, SILENCE_MS_MAX);
  }

  private take(socket: WebSocket, frame: LiveFrame | null): void {
    if (socket !== this.socket) return;
    this.expectFrame(socket);
    if (frame === null) return;
    switch (frame.type) {
      case 'welcome': {
        this.state = 'open';
        this.why = '';
        this.version = frame.version;
        this.clock_ahead_ms = frame.server_time_ms - Date.now();
        this.welcomed_at_ms = Date.now();
        if (!this.watches.isEmpty) this.tellWatches();
        if (this.openings > 0) for (const listener of [...this.listeners]) listener.told();
        this.openings += 1;
        break;
      }
      case 'pulse':
        this.pulse = frame;
        for (const told of [...this.pulsed]) told(frame);
        break;
      case 'changed':
        for (const listener of [...this.listeners]) if (concerns(listener.topics, frame.topics)) listener.told();
        break;
      default: {
        const topic = FRAME_OF[(frame as { type: string }).type];
        if (topic !== undefined) for (const told of [...(this.watchers.get(topic) ?? [])]) told(frame as never);
      }
    }
  }

  private async closed(socket: WebSocket, code: number): Promise<void> {
    if (socket !== this.socket) return;
    this.socket = null;
    clearTimeout(this.watchdog);
    const lived_ms = this.welcomed_at_ms === null ? null : Date.now() - this.welcomed_at_ms;
    this.failures = failuresAfterClose(this.failures, lived_ms);
    this.why = closeWords(code);
    const next = afterClose(code);
    if (next === 'reload') {
      this.state = 'stopped';
      return;
    }
    this.state = 'waiting';
    // A refused upgrade looks like a lost connection: whether a sign-in is wanted is asked for.
    if ((next === 'sign_in' || lived_ms === null) && (await isSignedOut())) {
      if (this.socket === null) this.state = 'stopped';
      session.ended();
      return;
    }
    this.retry = setTimeout(() => this.start(), retryDelayMs(this.failures - 1, Math.random));
  }
}

async function isSignedOut(): Promise<boolean> {
  try {
    const { token_needed, signed_in } = await call('GET /api/session');
    return token_needed && !signed_in;
  } catch {
    return false;
  }
}

export const live = new Live();

/** Watches a topic as long as the component that calls this during its set-up is shown. */
export function watching<T extends Watched>(topic: T, told: (frame: WatchedFrame[T]) => void): void {
  $effect(() => untrack(() => live.watch(topic, told)));
}

/** Hears every pulse as long as the component is shown. */
export function pulsing(told: (pulse: Pulse) => void): void {
  $effect(() => untrack(() => live.onPulse(told)));
}
