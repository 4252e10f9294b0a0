/** Sounds made on the spot: no files, no decoder. Browsers allow them after the first click or key. */

let context: AudioContext | null = null;

function audio(): AudioContext | null {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") void context.resume();
    return context;
  } catch {
    return null;
  }
}

function tone(at: AudioContext, hertz: number, from: number, seconds: number, loud: number): void {
  const source = at.createOscillator();
  const gain = at.createGain();
  source.frequency.value = hertz;
  // Soft edges: a square edge clicks in a headset.
  gain.gain.setValueAtTime(0, at.currentTime + from);
  gain.gain.linearRampToValueAtTime(loud, at.currentTime + from + 0.02);
  gain.gain.setValueAtTime(loud, at.currentTime + from + seconds - 0.06);
  gain.gain.linearRampToValueAtTime(0, at.currentTime + from + seconds);
  source.connect(gain).connect(at.destination);
  source.start(at.currentTime + from);
  source.stop(at.currentTime + from + seconds);
}

function chime(): void {
  const at = audio();
  if (!at) return;
  tone(at, 587.33, 0, 0.22, 0.08);
  tone(at, 880, 0.2, 0.34, 0.07);
}

/** Rings until the returned function is called. */
export function ring(): () => void {
  chime();
  const timer = setInterval(chime, 2_400);
  return () => clearInterval(timer);
}

/** What a line sounds like on which it rings, or which is busy: as Asterisk makes it (indications.conf). */
const LINE_HERTZ = 425;

/** Rings at the other side, until the returned function is called. */
export function ringBack(): () => void {
  const once = () => {
    const at = audio();
    if (at) tone(at, LINE_HERTZ, 0, 1, 0.05);
  };
  once();
  const timer = setInterval(once, 5_000);
  return () => clearInterval(timer);
}

/** Once: the other side is busy, or not to be reached. */
export function busyTone(): void {
  const at = audio();
  if (!at) return;
  for (const from of [0, 0.96, 1.92]) tone(at, LINE_HERTZ, from, 0.48, 0.05);
}

/** Once: a threshold was passed. */
export function alarm(): void {
  const at = audio();
  if (!at) return;
  tone(at, 440, 0, 0.18, 0.08);
  tone(at, 440, 0.26, 0.18, 0.08);
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const PAD = "123456789*0#";

/** What a pressed key of a telephone sounds like, for the one who presses. */
export function touchTone(key: string): void {
  const at = audio();
  const place = PAD.indexOf(key);
  if (!at || place < 0) return;
  tone(at, ROWS[Math.floor(place / 3)] ?? 697, 0, 0.14, 0.05);
  tone(at, COLUMNS[place % 3] ?? 1209, 0, 0.14, 0.05);
}
