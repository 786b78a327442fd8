"""Make the requests that stand on standard input with OpenAI's client, and print an answer per line.

It is run by the interpreter of LiteLLM's proxy, which may lack everything else.
"""

import json
import sys


def main() -> None:
    import openai  # not installed beside the tests, which only collect this file

    client = openai.OpenAI(max_retries=0)
    for line in sys.stdin:
        request = json.loads(line)
        create = client.chat.completions.with_raw_response.create
        try:
            raw = create(**request)
        except openai.APIStatusError as error:
            answer = (error.response.headers.get("x-litellm-call-id", ""), str(error), error.status_code)
        else:
            parsed = raw.parse()
            if request.get("stream"):
                text = "".join(part.choices[0].delta.content or "" for part in parsed if part.choices)
            else:
                text = parsed.choices[0].message.content
            answer = (raw.headers.get("x-litellm-call-id", ""), text, raw.status_code)
        print(json.dumps(dict(zip(("call_id", "text", "status"), answer, strict=True))), flush=True)


if __name__ == "__main__":
    main()
