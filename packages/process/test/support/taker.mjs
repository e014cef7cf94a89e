/** A worker that answers each connection with its process id, and ends it when it hears something. */
import { takePost } from '../../dist/workers/post.js';

const post = await takePost(process.argv.slice(2));
post.serve(
  (socket) => {
    socket.write(String(process.pid));
    socket.once('data', () => socket.end());
  },
  { state: 'running' },
);
post.serving();
