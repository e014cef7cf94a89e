/** An express 5 route that parses a JSON body and echoes it: what a create costs with nothing created. Argument: port. */
import express from 'express';

const [port] = process.argv.slice(2) as [string];
express()
  .use(express.json())
  .post('/api/v1/urls', (request, response) => {
    response.status(201).json(request.body);
  })
  .listen(Number(port), '127.0.0.1');
