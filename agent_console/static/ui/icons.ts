import { html, nothing, type SVGTemplateResult, svg, type TemplateResult } from "lit";
import {
  BookOpen,
  CalendarClock,
  Check,
  ChevronDown,
  CircleAlert,
  CircleHelp,
  Delete,
  FileText,
  Globe,
  Grip,
  Headphones,
  type IconNode,
  Inbox,
  Languages,
  LayoutGrid,
  LogOut,
  Mail,
  MessageSquare,
  Mic,
  MicOff,
  Monitor,
  Moon,
  Package,
  Pause,
  Pencil,
  Phone,
  PhoneForwarded,
  PhoneIncoming,
  PhoneMissed,
  PhoneOff,
  PhoneOutgoing,
  Play,
  Search,
  Sparkles,
  StickyNote,
  Sun,
  Tag,
  TriangleAlert,
  User,
  UserPlus,
  Volume2,
  VolumeX,
  Wifi,
  WifiOff,
  Wrench,
  X,
} from "lucide";
import type { AgentStatus, CallState } from "../core/types";

const GLYPHS = {
  book: BookOpen,
  agenda: CalendarClock,
  check: Check,
  down: ChevronDown,
  edit: Pencil,
  alert: CircleAlert,
  help: CircleHelp,
  erase: Delete,
  file: FileText,
  globe: Globe,
  keypad: Grip,
  audio: Headphones,
  inbox: Inbox,
  language: Languages,
  board: LayoutGrid,
  leave: LogOut,
  mail: Mail,
  message: MessageSquare,
  mic: Mic,
  micOff: MicOff,
  system: Monitor,
  dark: Moon,
  product: Package,
  hold: Pause,
  phone: Phone,
  transfer: PhoneForwarded,
  incoming: PhoneIncoming,
  missed: PhoneMissed,
  hangUp: PhoneOff,
  outgoing: PhoneOutgoing,
  play: Play,
  search: Search,
  offer: Sparkles,
  note: StickyNote,
  light: Sun,
  tag: Tag,
  warning: TriangleAlert,
  person: User,
  personNew: UserPlus,
  soundOn: Volume2,
  soundOff: VolumeX,
  net: Wifi,
  netOff: WifiOff,
  visit: Wrench,
  close: X,
} satisfies Record<string, IconNode>;

export type Glyph = keyof typeof GLYPHS;

function shape([tag, attrs]: IconNode[number]): SVGTemplateResult | typeof nothing {
  switch (tag) {
    case "path":
      return svg`<path d=${attrs.d} />`;
    case "circle":
      return svg`<circle cx=${attrs.cx} cy=${attrs.cy} r=${attrs.r} />`;
    case "line":
      return svg`<line x1=${attrs.x1} y1=${attrs.y1} x2=${attrs.x2} y2=${attrs.y2} />`;
    case "rect":
      return svg`<rect x=${attrs.x ?? 0} y=${attrs.y ?? 0} width=${attrs.width} height=${attrs.height}
        rx=${attrs.rx ?? 0} />`;
    case "polyline":
      return svg`<polyline points=${attrs.points} />`;
    default:
      return nothing;
  }
}

/** An icon beside words, never instead of them: hidden from screen readers. */
export function glyph(name: Glyph): TemplateResult {
  return html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">${GLYPHS[name].map(shape)}</svg>`;
}

/** One shape a state, so that the colour never speaks alone. */
export function stateShape(state: AgentStatus | CallState | "breach" | "soon"): TemplateResult {
  return html`<svg viewBox="0 0 12 12" aria-hidden="true">${outline(state)}</svg>`;
}

function outline(state: string): SVGTemplateResult {
  switch (state) {
    case "outside":
    case "talking":
      return svg`<circle cx="6" cy="6" r="5" />`;
    case "available":
      return svg`<path d="M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Zm0 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z" />`;
    case "handed_on":
    case "ringing":
      return svg`<path d="M6 0 12 6 6 12 0 6Z" />`;
    case "calling":
      return svg`<path d="M4 1h7v7L8.6 5.6 3 11.2.8 9 6.4 3.4Z" />`;
    case "parked":
    case "held":
      return svg`<path d="M2 1h3v10H2zM7 1h3v10H7z" />`;
    case "wrap_up":
      return svg`<path d="M6 1a5 5 0 1 1 0 10V1Zm0 0a5 5 0 0 0 0 10V9.6a3.6 3.6 0 0 1 0-7.2V1Z" />`;
    case "paused":
      return svg`<path d="M1 1h10v10H1z" />`;
    case "breach":
    case "unreachable":
      return svg`<path d="M6 .6 12 11.4H0Z" />`;
    case "not_answering":
      return svg`<path d="M0 .6H12L6 11.4Z" />`;
    case "reconnecting":
    case "waiting":
    case "soon":
      return svg`<path d="M1 1h10L6 6.5ZM1 11h10L6 5.5Z" />`;
    default:
      return svg`<path d="M1 5h10v2H1z" />`;
  }
}
