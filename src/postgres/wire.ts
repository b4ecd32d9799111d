import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The connection's bytes, and a way to have them to oneself for a while. */
export interface Wire {
  /** Takes all bytes the server sends away from the driver, until `release`. The session must be idle. */
  take(receiver: Receiver): RawWire;
  /** The error that ended the connection, if one did. */
  readonly lost: Error | undefined;
}

/** Whoever has the wire. */
export interface Receiver {
  /** Bytes from the server. They are the receiver's until it calls `done`, and then may be written over. */
  onChunk(chunk: Buffer, done: () => void): void;
  /** The connection has ended, and why where that is known. */
  onClose(cause?: Error): void;
}

export interface RawWire {
  /** `written` is called once the bytes have been handed over, and may be written over. */
  write(bytes: Uint8Array, written?: () => void): void;
  /** Stops and goes on reading: what the server sends meanwhile waits, and then the server does. */
  flow(on: boolean): void;
  destroy(): void;
  /** Gives the connection back to the driver: between two messages, the server being ready for a query. */
  release(): void;
}

// Measured on rows of 38 bytes: half of the processor time of 64 KiB, and nothing more from 1 MiB on.
const bufferBytes = 256 * 1024;

/**
 * A socket that reads into a few large buffers over and over. Node's own way is a new buffer for every chunk, at most
 * 64 KiB: twice the work, and memory that waits for the garbage collector.
 */
export class ReusingSocket extends Socket {
  readonly #free: Buffer[] = [];
  #receiver: Receiver | undefined;

  constructor() {
    super({
      onread: {
        buffer: () => this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes),
        callback: (length, into) => {
          const buffer = into as Buffer; // one of those made above
          const chunk = buffer.subarray(0, length);
          if (this.#receiver) this.#receiver.onChunk(chunk, () => void this.#free.push(buffer));
          else {
            this.emit('data', Buffer.from(chunk)); // the driver keeps what it is given
            this.#free.push(buffer);
          }
          return true;
        },
      },
    });
  }

  /** Everything read goes there, and not to the `data` listeners; undefined: to them again. */
  divert(receiver: Receiver | undefined): void {
    this.#receiver = receiver;
  }
}

/** Takes a connected stream away from the driver that listens to it. */
export function takeStream(stream: Duplex, receiver: Receiver): RawWire {
  const giveBack = stream instanceof ReusingSocket ? divert(stream, receiver) : replaceListeners(stream, receiver);
  const onClose = () => receiver.onClose(stream.errored ?? undefined);
  stream.on('close', onClose);
  return {
    write: (bytes, written) => void stream.write(bytes, written && (() => written())),
    flow: (on) => void (on ? stream.resume() : stream.pause()),
    destroy: () => void stream.destroy(),
    release: () => {
      stream.off('close', onClose);
      giveBack();
      stream.resume();
    },
  };
}

function divert(socket: ReusingSocket, receiver: Receiver): () => void {
  socket.divert(receiver);
  return () => socket.divert(undefined);
}

/** The driver feeds its parser from one `data` listener; it is set aside while somebody else reads the frames. */
function replaceListeners(stream: Duplex, receiver: Receiver): () => void {
  const listeners = stream.listeners('data') as ((chunk: Buffer) => void)[];
  for (const listener of listeners) stream.off('data', listener);
  const onData = (chunk: Buffer) => receiver.onChunk(chunk, () => {});
  stream.on('data', onData);
  return () => {
    stream.off('data', onData);
    for (const listener of listeners) stream.on('data', listener);
  };
}
