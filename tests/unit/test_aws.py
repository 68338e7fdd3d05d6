"""What an exception of a boto3 client says of the next call."""

from __future__ import annotations

import botocore.exceptions
import pytest

from flowy.aws import LASTING, trouble_of


@pytest.mark.parametrize("name", LASTING)
def test_a_wrong_setting_does_not_pass(name: str) -> None:
    """The same call fails again, until somebody corrects the setting."""
    kind = getattr(botocore.exceptions, name, None)
    if kind is None:
        pytest.skip(f"this botocore does not have {name}")
    trouble = trouble_of(kind.__new__(kind))
    assert trouble is not None
    assert (trouble.fault, trouble.status, trouble.passes) == (name, 0, False)


def test_a_connection_that_breaks_passes() -> None:
    """Whatever else botocore raises is about the connection, which may be there again later."""
    error = botocore.exceptions.EndpointConnectionError(endpoint_url="http://s3.test", error="no")
    trouble = trouble_of(error)
    assert trouble is not None
    assert trouble.passes
