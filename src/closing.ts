/**
 * What is closed together, the last first. Node has a class for it, AsyncDisposableStack, from 24 on only.
 */
export interface Closing extends AsyncDisposable {
  use<Resource extends AsyncDisposable>(resource: Resource): Resource;
  defer(close: () => void | Promise<void>): void;
}

export function openClosing(): Closing {
  const closes: (() => void | PromiseLike<void>)[] = [];
  return {
    use: (resource) => {
      closes.push(() => resource[Symbol.asyncDispose]());
      return resource;
    },
    defer: (close) => void closes.push(close),
    [Symbol.asyncDispose]: async () => {
      const failures: unknown[] = [];
      for (const close of closes.splice(0).toReversed())
        try {
          await close();
        } catch (error) {
          failures.push(error); // the others are closed all the same
        }
      if (failures.length > 0) throw failures[0];
    },
  };
}
