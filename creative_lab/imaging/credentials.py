"""Content Credentials (C2PA): a signed statement inside the picture that a model drew it.

Signed with a key made on this machine at set-up: it proves that the file was not changed since, not who made it, so
that public verifiers call the signer unknown. A studio with a certificate of a recognised authority puts its chain and
key into the same two files.
"""

from __future__ import annotations

import datetime
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from creative_lab.imaging.errors import ImagingError

CHAIN, KEY, ROOT = "chain.pem", "key.pem", "root.pem"

SOURCES: dict[str, str] = {
    "model": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    "procedure": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
    "composite": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
}
"""IPTC's words for how a picture came to be."""


@dataclass(frozen=True)
class Credentials:
    """What a file's Content Credentials say. ``intact`` is false after any change of the file."""

    intact: bool
    signer: str | None
    source: str | None
    problems: tuple[str, ...]


def make_local_key(folder: Path) -> Path:
    """Make a certificate authority and a signing certificate of this machine, once; returns the folder.

    The authority's private key is thrown away. The signing key is readable by its owner only.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    if (folder / CHAIN).is_file() and (folder / KEY).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = datetime.datetime.now(datetime.UTC)

    def name(text: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Creative Lab (local)")
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, text)])

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: str, public: Any, authority: bool) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=not authority,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("local authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )
        if not authority:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return builder.sign(authority_key, hashes.SHA256())

    root = certificate("local authority", authority_key.public_key(), True).public_bytes(serialization.Encoding.PEM)
    leaf = certificate("local signer", key.public_key(), False).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(folder / ROOT, root, 0o644)
    _write(folder / CHAIN, leaf + root, 0o644)
    _write(folder / KEY, secret, 0o600)
    return folder


def sign(png: bytes, folder: Path, *, source: Literal["model", "procedure", "composite"] = "model") -> bytes:
    """The PNG with Content Credentials, signed with the key in ``folder`` (see :func:`make_local_key`)."""
    import c2pa

    if not (folder / KEY).is_file():
        raise ImagingError(f"{folder}: there is no signing key; the set-up makes one")
    manifest = {
        "claim_generator_info": [{"name": "creative-lab"}],
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": SOURCES[source]}]},
            }
        ],
    }
    context = c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})  # ours is stored beside it
    info = c2pa.C2paSignerInfo(b"es256", (folder / CHAIN).read_bytes(), (folder / KEY).read_bytes(), None)
    out = io.BytesIO()
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(manifest), context) as builder:
        builder.sign(signer, "image/png", io.BytesIO(png), out)
    return out.getvalue()


def check(png: bytes) -> Credentials | None:
    """What the Content Credentials of a PNG say and whether the file is as it was signed; None when it has none."""
    import c2pa

    try:
        with c2pa.Reader("image/png", io.BytesIO(png)) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in f"{type(error).__name__}: {error}":
            return None
        return Credentials(False, None, None, (str(error)[:300],))
    active = found["manifests"][found["active_manifest"]]
    results = found.get("validation_results", {}).get("activeManifest", {})
    failures = [entry.get("code", "") for entry in results.get("failure", found.get("validation_status") or [])]
    # A local authority is in no public list of trust: that is known, and no sign of tampering.
    serious = tuple(code for code in failures if code != "signingCredential.untrusted")
    source = None
    for assertion in active.get("assertions", []):
        if assertion["label"].startswith("c2pa.actions"):
            source = assertion["data"]["actions"][0].get("digitalSourceType")
    signature = active.get("signature_info") or {}
    return Credentials(not serious, signature.get("common_name") or signature.get("issuer"), source, serious)


def _write(path: Path, data: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
