"""Keys and certificates of listeners, looked at before anything listens."""

from dataclasses import replace
from pathlib import Path

from testtools.matchers import Contains

from buildfarm.assembly.certificates import certificate_fault, certificate_faults, private_keys
from buildfarm.farmtesting.authority import Authority
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.settings import ManagerSettings, Settings, WebSettings


class CertificateTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.authority = Authority(self.directory)
        self.key, self.certificate = self.authority.issue("127.0.0.1")

    def listen(self, key: Path, certificate: Path, **more: Path) -> str:
        """An address with TLS."""
        others = "".join(f":{name}={path}" for name, path in more.items())
        return f"ssl:8443:privateKey={key}:certKey={certificate}{others}"

    def test_nothing_is_wrong(self) -> None:
        """A key with its certificate can be used, also out of one file; without TLS none is."""
        both = self.directory / "both.pem"
        both.write_bytes(self.key.read_bytes() + self.certificate.read_bytes())
        for listen in (
            self.listen(self.key, self.certificate),
            self.listen(self.key, self.certificate, extraCertChain=self.authority.certificate),
            f"ssl:8443:privateKey={both}",
            "tcp:8085",
        ):
            self.assertIsNone(certificate_fault(listen), listen)

    def test_what_is_missing(self) -> None:
        """Which file it is, by what it is for, is said."""
        gone = self.directory / "gone.pem"
        self.assertEqual(
            [
                f"the private key {gone} (privateKey=) cannot be read: No such file or directory",
                f"the certificate {gone} (certKey=) cannot be read: No such file or directory",
                (
                    f"the chain of certificates {gone} (extraCertChain=) cannot be read: "
                    "No such file or directory"
                ),
            ],
            [
                certificate_fault(listen)
                for listen in (
                    self.listen(gone, self.certificate),
                    self.listen(self.key, gone),
                    self.listen(self.key, self.certificate, extraCertChain=gone),
                )
            ],
        )

    def test_what_does_not_fit(self) -> None:
        """Another's key, something else than a key, and one that wants a password."""
        other, _ = self.authority.issue("other.example")
        empty = self.directory / "empty.pem"
        empty.touch()
        locked, _ = self.authority.issue("locked.example", password=b"secret")
        for key in (other, empty, locked):
            fault = certificate_fault(self.listen(key, self.certificate))
            assert fault is not None
            self.assertThat(fault, Contains("are no private key with its certificate: "))

    def test_by_section(self) -> None:
        """Each listener is named that cannot be opened, and each private key is known."""
        settings = Settings(manager=ManagerSettings(state_dir=self.directory))
        self.assertEqual([], [*certificate_faults(settings), *private_keys(settings)])
        listen = self.listen(self.key, self.directory / "gone.pem")
        settings = replace(settings, web=WebSettings(listen=listen))
        self.assertEqual(["web.listen"], [key for key, _ in certificate_faults(settings)])
        self.assertEqual([self.key], list(private_keys(settings)))
