"""Certificates for servers of the tests and for their clients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificates:
    """An authority in `ca`, and a certificate of it for localhost in `certificate` and `key`.

    The certificate serves both ends: a server asks its clients for one.
    """

    def __init__(self, folder: Path) -> None:
        self.ca, self.certificate, self.key = (folder / f for f in ("ca.crt", "tls.crt", "tls.key"))
        authority, own = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        root = _signed("authority of the tests", authority, "authority of the tests", authority)
        leaf = _signed("localhost", own, "authority of the tests", authority)
        self.ca.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def config(self) -> dict[str, str | int]:
        """Return what a server is told."""
        return {
            "tls-ca-cert-file": str(self.ca),
            "tls-cert-file": str(self.certificate),
            "tls-key-file": str(self.key),
            "tls-replication": "yes",
        }

    def client(self) -> dict[str, Any]:
        """Return what redis-py is told."""
        return {
            "host": "localhost",
            "ssl": True,
            "ssl_ca_certs": str(self.ca),
            "ssl_certfile": str(self.certificate),
            "ssl_keyfile": str(self.key),
        }

    def query(self) -> str:
        """Return the options of a store URL."""
        return f"ssl_ca_certs={self.ca}&ssl_certfile={self.certificate}&ssl_keyfile={self.key}"


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost")]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
