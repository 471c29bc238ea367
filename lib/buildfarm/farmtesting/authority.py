"""An authority of a test's own, and the certificates that it gives, for listeners with TLS.

Beside the layers.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: They are good from long ago until long hence: what a test does to the clock does not matter.
_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
_LASTING = timedelta(days=36_500)


class Authority:
    """Certifies who it is told to; `certificate` is the file that its clients trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority of a test")
        own = _certificate(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.certificate = directory / "authority.pem"
        self.certificate.write_bytes(self._sign(own))

    def issue(self, host: str, password: bytes | None = None) -> tuple[Path, Path]:
        """Files with a new private key for `host`, and with its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            named: x509.GeneralName = x509.IPAddress(ip_address(host))
        except ValueError:
            named = x509.DNSName(host)
        made = _certificate(_name(host), self._name, key.public_key()).add_extension(
            x509.SubjectAlternativeName([named]), critical=False
        )
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        files = self._directory / f"{host}.key", self._directory / f"{host}.pem"
        for file, content in zip(files, (pem, self._sign(made)), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(content)
        return files

    def _sign(self, certificate: x509.CertificateBuilder) -> bytes:
        signed = certificate.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(_SINCE + _LASTING)
    )
