const xray = require('aws-xray-sdk-core');

exports.handler = (event) => xray.captureAsyncFunc('work', async (subsegment) => {
	subsegment.addAnnotation('order', event.order);
	await new Promise(setImmediate);
	subsegment.close();
	return xray.getSegment().trace_id;
});
