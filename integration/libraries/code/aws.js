const express = require('aws-serverless-express');

const server = express.createServer(require('./app'), undefined, ['image/png']);
exports.handler = (event, context) => express.proxy(server, event, context);
exports.promise = (event, context) => express.proxy(server, event, context, 'PROMISE').promise;
exports.callback = (event, context, callback) => {
	context.callbackWaitsForEmptyEventLoop = false;
	express.proxy(server, event, context, 'CALLBACK', callback);
};
