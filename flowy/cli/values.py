"""``flowy decode`` and ``flowy claims``: read what activities with codecs or a store have sent."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..exception import FlowyError
from . import arguments
from .codec_options import add_claims, add_codecs, made
from .exit_codes import ExitCode
from .parser import UsageError
from .tables import add_json, print_json, print_table
from .terminal import json_text
from .verbs import add_group, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

_DECODE = """\
Decode a text from SWF, such as a result, an input, details or a note, and print it in clear text.

Flowy opens the envelopes anywhere in the text and changes nothing else. It does not call SWF, but
it calls KMS and the store if a value needs them.
"""

_DECODE_EXAMPLES = """\
flowy decode result.json --codec shop.keys:CODECS
flowy decode - --codec shop.keys:CODECS < details.txt
flowy decode result.json --codec shop.keys:CODECS --claims s3://bucket/prefix
"""

_CLAIMS = """\
Check the claims of values that are stored elsewhere, and print what an operator must set up.

Flowy never deletes values. Set a lifecycle rule that deletes those that no history needs any more.
"""

_CLAIMS_EXAMPLES = """\
flowy claims show result.json --claims s3://bucket/prefix
flowy claims policy --claims s3://bucket/prefix --days 120
"""

_SHOW = """\
List the claims in a text from SWF, and whether the store has their values.

The exit code is 3 if one is missing, cannot be read, or is not what the claim names.
"""

_SHOW_EXAMPLES = """\
flowy claims show result.json --claims s3://bucket/prefix
flowy claims show - --claims file:///mnt/claims --json < input.json
"""

_POLICY = """\
Print, as JSON, the lifecycle rule of the bucket and the IAM policy of workers and readers.

For --days, add the days of the longest execution and the days that the domain keeps its history.
"""

_POLICY_EXAMPLES = """\
flowy claims policy --claims s3://bucket/prefix
flowy claims policy --claims s3://bucket/prefix --days 120
"""

#: The keys of a claim in ``--json``; programs rely on them.
KEYS = ("uri", "bytes", "sha256", "stored")

#: After how many days values are deleted: SWF keeps a history for 90 at most, after an execution
#: of a year at most.
DAYS = 455


def add_verbs(verbs: Verbs) -> None:
    """Add ``decode`` and ``claims``."""
    decode = add_verb(verbs, "decode", "decode a text from SWF", _DECODE, _DECODE_EXAMPLES)
    decode.set_defaults(run=_decode)
    _add_text(decode)
    add_codecs(decode, "the codec, or list of codecs, that encoded the text")
    add_claims(decode)
    group = add_group(verbs, "claims", "look at stored values", _CLAIMS, _CLAIMS_EXAMPLES)
    show = add_verb(group, "show", "list the claims in a text", _SHOW, _SHOW_EXAMPLES)
    show.set_defaults(run=_show)
    _add_text(show)
    add_claims(show, required=True)
    add_json(show, KEYS)
    policy = add_verb(group, "policy", "print what to set up", _POLICY, _POLICY_EXAMPLES)
    policy.set_defaults(run=_policy)
    add_claims(policy, required=True)
    policy.add_argument(
        "--days",
        type=arguments.count,
        default=DAYS,
        metavar="N",
        help=f"delete values after N days (default: {DAYS}, SWF's longest execution and "
        "longest retention)",
    )


def _add_text(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="file with the text; - or no FILE reads standard input",
    )


def _decode(given: argparse.Namespace) -> ExitCode:
    from ..transport.reading import read_text

    text = text_of(given.file)
    codecs, store = made(given.codec, given.claims)
    try:
        with waiting("Decoding"):
            read = read_text(text, codecs, store)
    except FlowyError:
        raise
    except ValueError as error:  # a name is not that of a codec, or two share one
        raise UsageError(str(error)) from None
    sys.stdout.write(f"{read}\n")
    return ExitCode.FINE


def _show(given: argparse.Namespace) -> ExitCode:
    from ..envelope import claims_in

    text = text_of(given.file)
    store = made([], given.claims)[1]
    assert store is not None
    with waiting(f"Looking into {given.claims}"):
        shown = [store.show(claim) for claim in claims_in(text)]
    if given.json:
        print_json({key: each[key] for key in KEYS} for each in shown)
    else:
        print_table([key.upper() for key in KEYS], ([str(e[key]) for key in KEYS] for e in shown))
    return ExitCode.FINE if all(e["stored"] == "yes" for e in shown) else ExitCode.REFUSED


def _policy(given: argparse.Namespace) -> ExitCode:
    store = made([], given.claims)[1]
    assert store is not None
    print(json_text(store.policy(given.days)))
    return ExitCode.FINE


def text_of(file: str) -> str:
    """Return what a file has, without a line break at its end; ``-`` is standard input.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"Cannot read {file}: {why}.") from None
    return text.removesuffix("\n")
