"""What the AWS CLI makes of pairs of files: a list of pairs, in base64, as JSON on standard input; the same as lists of
[profile, key, value] on standard output, or null where it refuses a file."""

import base64
import json
import os
import sys
import tempfile

import awscli  # brings its own botocore, under that name
import botocore.exceptions
import botocore.session

assert awscli


def rows(kind, sections):
    found = []
    for name, values in sections.items():
        found.append([kind, name, "", ""])
        for key, value in values.items():
            if isinstance(value, dict):
                found.extend([kind, name, f"{key}.{inner}", text] for inner, text in value.items())
            else:
                found.append([kind, name, key, value])
    return found


answers = []
with tempfile.TemporaryDirectory() as folder:
    for pair in json.load(sys.stdin):
        for name, variable, text in zip(
            ("config", "credentials"), ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), pair
        ):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(base64.b64decode(text))
            os.environ[variable] = path
        try:
            config = botocore.session.Session().full_config
        except botocore.exceptions.ConfigParseError:
            answers.append(None)
            continue
        kinds = ("profile", "profiles"), ("sso-session", "sso_sessions"), ("services", "services")
        answers.append(sorted(row for kind, key in kinds for row in rows(kind, config.get(key, {}))))
json.dump(answers, sys.stdout)
