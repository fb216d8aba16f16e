"""Reading an answer's body, so that no answer fills the memory."""

from __future__ import annotations

import requests

LARGEST_BODY = 20 * 1024 * 1024
_CHUNK = 64 * 1024


def read_body(response: requests.Response) -> bytes:
    """Return the whole body, unpacked; raises ``OSError`` for one of more than 20 MB, packed or not."""
    chunks, size = [], 0
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > LARGEST_BODY:
            response.raw.close()
            raise OSError(f"the answer is larger than {LARGEST_BODY} bytes")
        chunks.append(chunk)
    response.raw.release_conn()
    return b"".join(chunks)
