"""Reading an answer's body, so that no answer fills the memory."""

from __future__ import annotations

import requests

LARGEST_BODY = 20 * 1024 * 1024
_CHUNK = 64 * 1024


class TooLarge(OSError):
    """The answer is larger than we read."""


def read_body(response: requests.Response) -> bytes:
    """Return the whole body, unpacked; raises ``TooLarge`` for one of more than 20 MB, packed or not.

    One whose size is stated and small enough is read at once, without copying it about.
    """
    stated, packed = response.raw.length_remaining, response.headers.get("Content-Encoding")
    if stated is not None and stated <= LARGEST_BODY and not packed:
        body: bytes = response.raw.read()
        response.raw.release_conn()
        return body
    return _in_chunks(response)


def _in_chunks(response: requests.Response) -> bytes:
    chunks, size = [], 0
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > LARGEST_BODY:
            response.raw.close()
            raise TooLarge(f"the answer is larger than {LARGEST_BODY} bytes")
        chunks.append(chunk)
    response.raw.release_conn()
    return b"".join(chunks)
