"""A DynamoDB for tests, by moto, on 127.0.0.1: `dynamodb.py PORT TABLE`. With a table of p2p-forge's, and signatures
checked: it prints "ready", and what requests have to be signed with, a user's and temporary ones:

    ready KEY_ID SECRET ROLE_KEY_ID ROLE_SECRET ROLE_TOKEN

and serves until it is killed."""
import json
import os
import signal
import sys

port, table = int(sys.argv[1]), sys.argv[2]
SETUP_REQUESTS = 6  # that follow; from then on signatures count
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(SETUP_REQUESTS)

import boto3  # noqa: E402: moto reads the environment when it is imported
from moto.server import ThreadedMotoServer  # noqa: E402

ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})


def client(service):
    return boto3.client(service, region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}",
                        aws_access_key_id="setup", aws_secret_access_key="setup")


server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
server.start()
iam = client("iam")
iam.create_user(UserName="swage")
key = iam.create_access_key(UserName="swage")["AccessKey"]
iam.put_user_policy(UserName="swage", PolicyName="all", PolicyDocument=POLICY)
role = iam.create_role(RoleName="nameserver", AssumeRolePolicyDocument=TRUST)["Role"]
iam.put_role_policy(RoleName="nameserver", PolicyName="all", PolicyDocument=POLICY)
client("dynamodb").create_table(
    TableName=table, BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "DSKey", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "DSKey", "AttributeType": "S"}])
user = boto3.client("sts", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}",
                    aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
session = user.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
print("ready", key["AccessKeyId"], key["SecretAccessKey"],
      session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"], flush=True)
signal.pause()
