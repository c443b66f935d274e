import logging
import os

import boto3

logging.getLogger().setLevel(logging.INFO)
# The region and the credentials are in the environment.
s3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"])


def handler(event, context):
    body = s3.get_object(Bucket="bucket", Key=event["key"])["Body"].read()
    logging.info("got %d bytes", len(body))
    return body.decode()
