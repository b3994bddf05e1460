"""Runs a Streamlit program once, as a browser's first visit does, and prints what its page has as one JSON object:
`exceptions`, `metrics` (label to value), `headers`, `subheaders`, `images` (addresses), and `tables` (each a list
of rows, an object each).
"""

import argparse
import json

from streamlit.testing.v1 import AppTest

PATIENCE_S = 120


def rows(table):
    return json.loads(table.value.to_json(orient="records"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    args = parser.parse_args()
    page = AppTest.from_file(args.program, default_timeout=PATIENCE_S).run()
    print(
        json.dumps(
            {
                "exceptions": [f"{at.message}\n{''.join(at.stack_trace)}" for at in page.exception],
                "metrics": {at.label: at.value for at in page.metric},
                "headers": [at.value for at in page.header],
                "subheaders": [at.value for at in page.subheader],
                "images": [image.url for at in page.get("imgs") for image in at.proto.imgs],
                "tables": [rows(at) for at in [*page.get("arrow_table"), *page.get("arrow_data_frame")]],
            }
        )
    )


if __name__ == "__main__":
    main()
