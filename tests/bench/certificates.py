"""Writes a CA, a certificate for the loopback, and roots as many as a system has with that CA among them."""

import datetime
import ipaddress
import pathlib
import sys

import botocore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FOLDER = pathlib.Path(sys.argv[1])
NOW = datetime.datetime.now(datetime.UTC)
PEM = serialization.Encoding.PEM


def certificate(name, key, issuer, issuer_key, extensions):
    named = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, it)]) for it in (name, issuer)]
    builder = (x509.CertificateBuilder().subject_name(named[0]).issuer_name(named[1]).public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(NOW - datetime.timedelta(days=1)).not_valid_after(NOW + datetime.timedelta(days=30)))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(PEM).decode()


# As on AWS: RSA with 2,048 bits.
ca_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
of_ca, of_key = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), x509.SubjectKeyIdentifier.from_public_key(key.public_key())
by_ca = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(of_ca)
usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                       "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
ca = certificate("bench CA", ca_key, "bench CA", ca_key, [
    x509.BasicConstraints(ca=True, path_length=None), of_ca,
    x509.KeyUsage(**{**usage, "key_cert_sign": True, "crl_sign": True})])
leaf = certificate("localhost", key, "bench CA", ca_key, [
    x509.BasicConstraints(ca=False, path_length=None), of_key, by_ca,
    x509.KeyUsage(**{**usage, "digital_signature": True, "key_encipherment": True}),
    x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]),
    x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])])
system = (pathlib.Path(botocore.__file__).parent / "cacert.pem").read_text()
(FOLDER / "roots.pem").write_text(f"{system}\n{ca}")
(FOLDER / "leaf.pem").write_text(leaf)
(FOLDER / "leaf.key").write_bytes(
    key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
