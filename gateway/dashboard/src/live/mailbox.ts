/**
 * A recipient's side of the socket: AUTH, receive, ACK, and resume after a cut where it stopped. `heard` is pure; the
 * class speaks to the socket and keeps the frames that went over it.
 */

export interface Item {
  notificationId: string;
  message: string;
  eventType: string | null;
  timestamp: string;
  read: boolean;
}

export interface Frame {
  number: number;
  mine: boolean;
  text: string;
}

export interface Box {
  state: "closed" | "opening" | "open";
  epoch: string;
  position: number;
  /** Whether the last AUTH went on where the one before stopped; null after the first. */
  recovered: boolean | null;
  items: Item[];
  frames: Frame[];
  error: string | null;
}

export const CLOSED: Box = {
  state: "closed",
  epoch: "",
  position: 0,
  recovered: null,
  items: [],
  frames: [],
  error: null,
};
const FRAMES_KEPT = 200;

interface Heard {
  type: string;
  epoch?: string;
  position?: number;
  recovered?: boolean;
  notificationId?: string;
  message?: string;
  payload?: Omit<Item, "read"> & { notificationId: string };
}

/** The mailbox after a frame from the server. */
export function heard(box: Box, frame: Heard): Box {
  switch (frame.type) {
    case "AUTHENTICATED":
      return {
        ...box,
        state: "open",
        recovered: box.epoch === "" ? null : frame.recovered === true,
        epoch: frame.epoch ?? "",
        position: frame.epoch === box.epoch ? box.position : 0,
        error: null,
      };
    case "NOTIFICATION": {
      if (!frame.payload) return box;
      const { notificationId, message, eventType, timestamp } = frame.payload;
      const items = box.items.filter((item) => item.notificationId !== notificationId);
      return {
        ...box,
        ...(frame.position ? { epoch: frame.epoch ?? box.epoch, position: frame.position } : {}),
        items: [{ notificationId, message, eventType, timestamp, read: false }, ...items],
      };
    }
    case "ACKNOWLEDGED":
      return {
        ...box,
        items: box.items.map((item) =>
          item.notificationId === frame.notificationId ? { ...item, read: true } : item,
        ),
      };
    case "ERROR":
      return { ...box, error: frame.message ?? "unknown" };
    default:
      return box;
  }
}

export class Mailbox {
  private box = CLOSED;
  private listeners = new Set<() => void>();
  private socket: WebSocket | null = null;
  private frames = 0;

  snapshot = (): Box => this.box;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Another user begins with an empty mailbox; the same one resumes. */
  open = (userId: string, token: string, fresh: boolean): void => {
    this.close();
    if (fresh) this.box = CLOSED;
    this.be({ state: "opening", error: null });
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket = socket;
    const { epoch, position } = this.box;
    const resume = epoch ? { epoch, position } : {};
    socket.onopen = () => this.say({ type: "AUTH", userId, ...(token ? { token } : {}), ...resume });
    socket.onmessage = (message: MessageEvent<string>) => {
      this.keep(false, message.data);
      this.be(heard(this.box, JSON.parse(message.data) as Heard));
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      const told = event.reason || (event.code === 1006 ? "the connection was lost" : "");
      this.be({ state: "closed", error: told || this.box.error });
    };
  };

  acknowledge = (notificationId: string): void => this.say({ type: "ACK", notificationId });

  close = (): void => {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.be({ state: "closed" });
  };

  private say(frame: object): void {
    const text = JSON.stringify(frame);
    this.keep(true, text);
    this.socket?.send(text);
  }

  private keep(mine: boolean, text: string): void {
    this.frames += 1;
    this.be({ frames: [{ number: this.frames, mine, text }, ...this.box.frames].slice(0, FRAMES_KEPT) });
  }

  private be(change: Partial<Box>): void {
    this.box = { ...this.box, ...change };
    for (const listener of this.listeners) listener();
  }
}
