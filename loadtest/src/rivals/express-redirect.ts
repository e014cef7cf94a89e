/** The smallest shortener's redirect in express 5, production mode. Arguments: port, Location. */
import express from 'express';

const [port, location] = process.argv.slice(2) as [string, string];
express()
  .get('/:code', (_request, response) => {
    response.redirect(301, location);
  })
  .listen(Number(port), '127.0.0.1');
