"""TLS settings like botocore's: the same context, certificates and minimum version."""

from __future__ import annotations

import ssl
from typing import Any


def tls_context(verify: Any) -> ssl.SSLContext:
    """Return a context that verifies SWF's certificate as botocore would.

    botocore reads its 140 certificates for each connection, which takes 20 ms; here one context
    serves all connections of a client.

    Args:
        verify: True for botocore's own certificates, a path for those in a file; a false value
            turns verification off.

    Raises:
        OSError: the file cannot be read or does not contain certificates.
    """
    from botocore import httpsession

    context: ssl.SSLContext = httpsession.create_urllib3_context()
    context.set_alpn_protocols(["http/1.1"])
    if verify:
        path = httpsession.get_cert_path(verify)
        try:
            context.load_verify_locations(cafile=path)
        except OSError as error:
            error.filename = path  # ssl does not say it
            raise
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
