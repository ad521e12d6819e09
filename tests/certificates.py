"""Certificates for tests: an authority of this run, which signs for whatever names a test wants."""

import ssl
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme

from mockserver.launch import tls_of
from mockserver.loading import table
from mockserver.options import configure

HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Files:
    """A certificate, its key, and the certificate of who signed it, each the path of a PEM file."""

    cert: Path
    key: Path
    root: Path

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the command that speak TLS with it."""
        return "--tls-cert", str(self.cert), "--tls-key", str(self.key)

    def server_context(self) -> ssl.SSLContext:
        """Return what a server speaks TLS with, made as a server makes it."""
        document = {"tls-cert": str(self.cert), "tls-key": str(self.key)}
        context = tls_of(configure(table(), table().of_file(document, "test")))
        assert context is not None
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return what a client speaks TLS with that trusts this authority, and nobody else."""
        return ssl.create_default_context(cafile=str(self.root))


@cache
def authority() -> trustme.CA:
    """Return the authority of this run."""
    return trustme.CA()


def issued(folder: Path, *names: str) -> Files:
    """Write a certificate for some names, this machine's own without any, into a folder."""
    files = Files(folder / "cert.pem", folder / "key.pem", folder / "root.pem")
    made = authority().issue_cert(*(names or HERE))
    files.cert.write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
    files.key.write_bytes(made.private_key_pem.bytes())
    files.root.write_bytes(authority().cert_pem.bytes())
    return files


@cache
def certificate() -> Files:
    """Return a certificate for this machine's own names."""
    return issued(Path(tempfile.mkdtemp(prefix="mockserver-tls-")))
