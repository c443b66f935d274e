const Obs = require('esdk-obs-nodejs');

exports.handler = async (event, context) => {
	const obs = new Obs({
		access_key_id: context.getSecurityAccessKey(), secret_access_key: context.getSecuritySecretKey(), security_token: context.getSecurityToken(),
		server: process.env.ENDPOINT,
	});
	await new Promise(setImmediate); // the client is not complete before
	const { CommonMsg, InterfaceResult } = await obs.getObject({ Bucket: 'bucket', Key: event.key });
	context.getLogger().info('got status %d', CommonMsg.Status);
	return InterfaceResult.Content.toString();
};
