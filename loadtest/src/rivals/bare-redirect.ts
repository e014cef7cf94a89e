/** The smallest 301 that Node can answer. Arguments: port, Location. */
import { createServer } from 'node:http';

const [port, location] = process.argv.slice(2) as [string, string];
createServer((_request, response) => {
  response.writeHead(301, { Location: location }).end();
}).listen(Number(port), '127.0.0.1');
