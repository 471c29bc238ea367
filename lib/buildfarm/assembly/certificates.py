"""The key and certificate of a listener with TLS, looked at before anything listens.

Layer 6. Twisted would tell of a missing file by the name of an exception. Tests:
tests/unit/assembly/test_certificates.py.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path

from buildfarm.assembly.endpoints import CERTIFICATE_FILES, parts_of
from buildfarm.vocab.settings import Settings

_WHAT = dict(
    zip(
        CERTIFICATE_FILES,
        ("the private key", "the certificate", "the chain of certificates"),
        strict=True,
    )
)


def certificate_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for each listener whose key or certificate cannot be used."""
    for section in ("files", "web"):
        fault = certificate_fault(getattr(settings, section).listen)
        if fault is not None:
            yield f"{section}.listen", fault


def certificate_fault(listen: str) -> str | None:
    """Why the endpoint string `listen` cannot be opened with its files; None where it can."""
    kind, _, options = parts_of(listen)
    if kind != "ssl":
        return None
    for key, what in _WHAT.items():
        if key in options:
            try:
                Path(options[key]).open("rb").close()
            except OSError as error:
                return f"{what} {options[key]} ({key}=) cannot be read: {error.strerror}"
    private = options["privateKey"]
    return _pair_fault(private, options.get("certKey", private))


def _pair_fault(private: str, certificate: str) -> str | None:
    def no_password() -> str:
        raise ValueError("it wants a password, and nobody is there to type it")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private, no_password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        return f"{private} and {certificate} are no private key with its certificate: {reason}"
    return None


def private_keys(settings: Settings) -> Iterator[Path]:
    """The files with the private keys of listeners."""
    for section in (settings.files, settings.web):
        kind, _, options = parts_of(section.listen)
        if kind == "ssl" and "privateKey" in options:
            yield Path(options["privateKey"])
