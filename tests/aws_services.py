"""S3 and KMS for tests: moto's, over real HTTP, which can be made to fail."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any


class AWSServices:
    """moto's services in threads of this process.

    Attributes:
        url: their address.
        calls: the paths of the requests so far, with their methods and their targets.
        fault: called with each request; returns a status and a code to answer instead, or None.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line for each request
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.calls: list[str] = []
        self.fault: Callable[[str], tuple[int, str] | None] = lambda call: None
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables by which boto3 finds them."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ENDPOINT_URL_KMS": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def reset(self) -> None:
        """Forget the calls and the fault."""
        self.calls, self.fault = [], lambda call: None

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {target}".strip()
        self.calls.append(call)
        fault = self.fault(call)
        if fault is None:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        status, code = fault
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if target:
            kind, body = "application/x-amz-json-1.1", f'{{"__type": "{code}"}}'
        else:
            kind, body = "application/xml", f"<Error><Code>{code}</Code></Error>"
        start_response(f"{status} x", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body.encode()]
