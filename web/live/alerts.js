// @ts-check
// Sound and desktop notifications, both off until asked for. The choice is kept in localStorage.

const TONES_EVERY_MS = 400;
const BODY_LENGTH_MAX = 180;

export class Alerts {
  /** @param {HTMLButtonElement} soundButton @param {HTMLButtonElement} notifyButton */
  constructor(soundButton, notifyButton) {
    this.soundButton = soundButton;
    this.notifyButton = notifyButton;
    /** @type {AudioContext | null} */
    this.audio = null;
    this.toned_at_ms = 0;
    this.sound = readChoice('sound');
    this.notify = readChoice('notify') && 'Notification' in window && Notification.permission === 'granted';
    soundButton.addEventListener('click', () => this.toggleSound());
    notifyButton.addEventListener('click', () => this.toggleNotify());
    // Browsers let a page make sound only after the person has touched it.
    for (const gesture of ['pointerdown', 'keydown']) addEventListener(gesture, () => this.sound && this.readyAudio(), { once: true });
    this.show();
  }

  toggleSound() {
    this.sound = !this.sound;
    writeChoice('sound', this.sound);
    this.show();
    if (this.sound) {
      this.readyAudio();
      this.tone();
    }
  }

  async toggleNotify() {
    if (this.notify) {
      this.notify = false;
    } else if ('Notification' in window) {
      this.notify = (await Notification.requestPermission()) === 'granted';
      if (!this.notify) this.notifyButton.title = 'This browser does not allow notifications from this page: change it in the site settings';
    } else {
      this.notifyButton.title = 'This browser has no desktop notifications';
    }
    writeChoice('notify', this.notify);
    this.show();
  }

  show() {
    this.soundButton.setAttribute('aria-pressed', String(this.sound));
    this.notifyButton.setAttribute('aria-pressed', String(this.notify));
  }

  readyAudio() {
    this.audio ??= new AudioContext();
    if (this.audio.state === 'suspended') void this.audio.resume();
  }

  /** One short, soft tone; a burst of signals makes one, not a roar. */
  tone() {
    const now_ms = Date.now();
    if (!this.sound || this.audio === null || now_ms - this.toned_at_ms < TONES_EVERY_MS) return;
    this.toned_at_ms = now_ms;
    const { audio } = this;
    const oscillator = audio.createOscillator();
    const gain = audio.createGain();
    const start_s = audio.currentTime;
    oscillator.frequency.setValueAtTime(660, start_s);
    oscillator.frequency.setValueAtTime(880, start_s + 0.08);
    gain.gain.setValueAtTime(0.0001, start_s);
    gain.gain.exponentialRampToValueAtTime(0.12, start_s + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.0001, start_s + 0.28);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(start_s);
    oscillator.stop(start_s + 0.3);
  }

  /** @param {string} title @param {string} body @param {string} channel_id a newer one of the channel replaces it */
  popUp(title, body, channel_id) {
    if (!this.notify || document.visibilityState === 'visible') return;
    try {
      const notification = new Notification(title, { body: body.slice(0, BODY_LENGTH_MAX), tag: channel_id });
      notification.onclick = () => {
        window.focus();
        notification.close();
      };
    } catch {
      // Phones offer the interface but refuse it to pages.
      this.notify = false;
      this.show();
    }
  }
}

/** @param {string} name */
function readChoice(name) {
  try {
    return localStorage.getItem(`heliograph.${name}`) === 'on';
  } catch {
    return false;
  }
}

/** @param {string} name @param {boolean} on */
function writeChoice(name, on) {
  try {
    localStorage.setItem(`heliograph.${name}`, on ? 'on' : 'off');
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
