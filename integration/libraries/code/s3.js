const { GetObjectCommand, S3Client } = require('@aws-sdk/client-s3');

// The region, the endpoint and the credentials are in the environment.
const s3 = new S3Client({ forcePathStyle: true });
exports.handler = async (event) => {
	const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: event.key }));
	return Body.transformToString();
};
