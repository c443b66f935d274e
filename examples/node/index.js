// Loaded once, when the function starts. What it prints goes to the log.

// Answers an API gateway's request.
exports.main_handler = async (event, context) => {
	const { name = 'world' } = JSON.parse(event.body || '{}');
	console.log('request', context.awsRequestId, 'greets', name);
	return {
		isBase64Encoded: false,
		statusCode: 200,
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ greeting: `Hello, ${name}!` }),
	};
};
