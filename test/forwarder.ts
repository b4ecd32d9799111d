import { connect, createServer } from 'node:net';
import { writeFileSync } from 'node:fs';

// What ssh -L does, for the tests: node forwarder.ts HOW LOCAL_PORT HOST PORT [FILE]. The file is told its process id.
const [how, localPort, host, port, file] = process.argv.slice(2);
if (file !== undefined) writeFileSync(file, `${process.pid} ${host}:${port}\n`, { flag: 'a' });

switch (how ?? '') {
  case 'deaf':
    process.stderr.write('waiting for somebody\n');
    setInterval(() => undefined, 1000);
    break;
  case 'broken':
    process.stderr.write('debug1: reading\nPermission denied (publickey).\n');
    process.exit(255);
    break;
  case 'stubborn':
    process.on('SIGTERM', () => undefined);
    listen(Number(port));
    break;
  case 'blocked':
    // It listens, and the other end does not let it through.
    createServer((socket) => {
      process.stderr.write('channel 1: open failed: connect failed: Connection refused\n');
      setTimeout(() => socket.destroy(), 20);
    }).listen(Number(localPort), '127.0.0.1');
    break;
  default:
    process.on('SIGTERM', () => {
      if (file !== undefined) writeFileSync(`${file}.asked`, 'to end');
      process.exit(0);
    });
    listen(Number(port));
}

function listen(to: number): void {
  createServer((near) => {
    const far = connect(to, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }).listen(Number(localPort), '127.0.0.1');
}
