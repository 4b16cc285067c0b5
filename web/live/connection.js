// @ts-check
// The socket: opens it, watches that it lives, opens it again. Knows frames only as far as `welcome` and `heartbeat`.

import { closeMeaning, failuresAfterClose, retryDelayMs, watchdogMs } from './reconnect_core.js';

const WELCOME_WITHIN_MS = 10_000;
const WATCH_EVERY_MS = 1000;

/**
 * @typedef {import('../protocol').ServerFrame} ServerFrame
 * @typedef {import('../protocol').ClientFrame} ClientFrame
 * @typedef {import('./reconnect_core.js').CloseMeaning} CloseMeaning
 * `onLost`: with the time of the next try, null when it was final. `onRefused`: the upgrade itself failed, for which
 * browsers give no reason; it resolves to whether to go on trying.
 * @typedef {{
 *   onFrame: (frame: ServerFrame) => void,
 *   onLost: (meaning: CloseMeaning, retry_at_ms: number | null) => void,
 *   onRefused: () => Promise<boolean>,
 * }} Listener
 */

export class Connection {
  /** @param {string} url @param {Listener} listener */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {number | null} */
    this.welcomed_at_ms = null;
    this.heard_at_ms = 0;
    this.silence_ms_max = WELCOME_WITHIN_MS;
    this.failures = 0;
    this.ended = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    setInterval(() => this.watch(), WATCH_EVERY_MS);
    addEventListener('online', () => this.wake());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.wake());
  }

  get isOpen() {
    return this.welcomed_at_ms !== null;
  }

  open() {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.heard_at_ms = Date.now();
    this.silence_ms_max = WELCOME_WITHIN_MS;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onmessage = (event) => this.heard(event.data);
    socket.onclose = (event) => this.lost(closeMeaning(event.code));
  }

  /** @param {ClientFrame} frame */
  send(frame) {
    if (this.isOpen && this.socket !== null && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Tries now when it was waiting: the network or the person came back. */
  wake() {
    if (this.retry !== undefined) this.open();
    else this.watch();
  }

  /** @param {unknown} data */
  heard(data) {
    this.heard_at_ms = Date.now();
    /** @type {ServerFrame} */
    const frame = JSON.parse(String(data));
    if (frame.type === 'welcome') {
      this.welcomed_at_ms = Date.now();
      this.silence_ms_max = watchdogMs(frame.heartbeat_ms);
    }
    if (frame.type === 'heartbeat') this.send({ type: 'pong' });
    this.listener.onFrame(frame);
  }

  watch() {
    if (this.socket !== null && Date.now() - this.heard_at_ms > this.silence_ms_max) this.lost(closeMeaning(1006));
  }

  /** @param {CloseMeaning} meaning */
  async lost(meaning) {
    const { socket, welcomed_at_ms } = this;
    if (socket === null || this.ended) return;
    // A dead peer never answers the closing handshake, so this socket is let go without waiting for it.
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    this.socket = null;
    this.welcomed_at_ms = null;
    this.failures = failuresAfterClose(this.failures, welcomed_at_ms === null ? null : Date.now() - welcomed_at_ms);
    if (meaning.final) {
      this.ended = true;
      this.listener.onLost(meaning, null);
      return;
    }
    const delay_ms = retryDelayMs(this.failures, Math.random);
    this.listener.onLost(meaning, Date.now() + delay_ms);
    this.retry = setTimeout(() => this.open(), delay_ms);
    if (welcomed_at_ms === null && !(await this.listener.onRefused())) this.end();
  }

  end() {
    this.ended = true;
    clearTimeout(this.retry);
    this.retry = undefined;
    this.socket?.close();
    this.socket = null;
  }
}
