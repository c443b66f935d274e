const express = require('express');

const app = express();
app.use(express.json());
app.post('/hello/:name', (request, response) => {
	response.set('X-Id', request.headers['x-id']);
	response.status(201).json({ name: request.params.name, query: request.query.q, body: request.body });
});
app.get('/bytes', (request, response) => response.type('png').send(Buffer.from([255, 0, 10])));
module.exports = app;
