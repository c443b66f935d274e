const { Logger } = require('@aws-lambda-powertools/logger');
const { injectLambdaContext } = require('@aws-lambda-powertools/logger/middleware');
const middy = require('@middy/core');

const logger = new Logger({ serviceName: 'orders' });
exports.handler = middy(async (event) => {
	logger.warn('late', { order: event.order });
	return event.order;
}).use(injectLambdaContext(logger));
