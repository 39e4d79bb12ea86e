/** A short sound, and notifications of the browser. Neither says what a customer wrote: others may look at the screen. */

import { go } from '../ui.js';

let audio = null;

/** Two soft tones. A browser plays nothing before somebody has touched the page. */
export function chime() {
  try {
    audio ??= new AudioContext();
    const at = audio.currentTime;
    for (const [tone, after] of [[660, 0], [880, 0.12]]) {
      const [source, volume] = [audio.createOscillator(), audio.createGain()];
      source.frequency.value = tone;
      volume.gain.setValueAtTime(0.0001, at + after);
      volume.gain.exponentialRampToValueAtTime(0.08, at + after + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + after + 0.25);
      source.connect(volume).connect(audio.destination);
      source.start(at + after);
      source.stop(at + after + 0.3);
    }
  } catch {
    // A browser without sound.
  }
}

/** Whether notifications can be shown, after asking if need be. */
export async function askToNotify() {
  if (!('Notification' in window)) return false;
  return (await Notification.requestPermission()) === 'granted';
}

/** Shows a notification that leads to a view. */
export function notify(title, path) {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  const shown = new Notification(title, { tag: path });
  shown.onclick = () => {
    focus();
    go(path);
    shown.close();
  };
}
