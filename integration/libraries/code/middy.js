const middy = require('@middy/core');

const seen = { before: (request) => { request.event.seen = typeof request.context.getRemainingTimeInMillis(); } };
const reply = { after: (request) => { request.response = { statusCode: 200, body: request.response }; } };
const catches = { onError: (request) => { request.response = { statusCode: 500, body: request.error.message }; } };
exports.handler = middy(async (event, context, { signal }) => {
	if (event.fail) throw new Error('no luck');
	return `${event.seen} ${context.awsRequestId.length > 0} ${signal.aborted}`;
}).use(seen).use(reply).use(catches);
