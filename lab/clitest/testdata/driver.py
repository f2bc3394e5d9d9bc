"""Calls AWS APIs with botocore, as Debian's AWS CLI carries it.

Reads one JSON object a line, {"service", "operation", "params"}, and answers each with
a line: {"answer"} or {"error": code, "message"}. Bytes are {"$bytes": base64} in
parameters and plain base64 in answers.
"""

import base64
import datetime
import json
import sys

import awscli  # puts its own botocore in the place of another  # noqa: F401
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError


def decode(value):
    if isinstance(value, dict):
        if list(value) == ["$bytes"]:
            return base64.b64decode(value["$bytes"])
        return {k: decode(v) for k, v in value.items()}
    if isinstance(value, list):
        return [decode(v) for v in value]
    return value


def encode(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        return value.read().decode()
    raise TypeError(f"cannot encode {type(value)}")


def main():
    session = botocore.session.Session()
    config = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=120)
    clients = {}
    for line in sys.stdin:
        call = json.loads(line)
        service = call["service"]
        if service not in clients:
            clients[service] = session.create_client(service, endpoint_url=sys.argv[1], config=config)
        try:
            answer = clients[service]._make_api_call(call["operation"], decode(call["params"]))
            answer.pop("ResponseMetadata", None)
            reply = {"answer": answer}
        except ClientError as e:
            reply = {"error": e.response["Error"]["Code"], "message": e.response["Error"].get("Message", "")}
        print(json.dumps(reply, default=encode), flush=True)


main()
