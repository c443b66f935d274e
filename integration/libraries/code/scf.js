const { scf } = require('tencentcloud-sdk-nodejs-scf');

exports.handler = async (event, context) => {
	const { TENCENTCLOUD_SECRETID: secretId, TENCENTCLOUD_SECRETKEY: secretKey, TENCENTCLOUD_SESSIONTOKEN: token } = process.env;
	const httpProfile = { endpoint: new URL(process.env.ENDPOINT).host, protocol: 'http://' };
	const client = new scf.v20180416.Client({ credential: { secretId, secretKey, token }, region: context.tencentcloud_region, profile: { httpProfile } });
	return (await client.ListFunctions({})).TotalCount;
};
