# Certificates for tests, made by the openssl command into a folder.
"""An authority signs what is asked of it; everything is a file in PEM.

    authority = Authority(folder, "authority")
    server = authority.issue("server", alternatives="DNS:localhost")
    server.certificate, server.key, authority.certificate      # paths
"""
import pathlib
import subprocess

DAYS = 30


def openssl(*arguments):
    """Runs openssl; what it says is in the error when it fails."""
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr}")
    return done.stdout


class Pair:
    """A certificate with its key."""

    def __init__(self, folder, name):
        self.name = name
        self.certificate = pathlib.Path(folder, name + ".pem")
        self.key = pathlib.Path(folder, name + ".key")


class Authority(Pair):
    def __init__(self, folder, name, issuer=None):
        super().__init__(folder, name)
        self.folder = pathlib.Path(folder)
        if issuer is None:
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", DAYS,
                    "-subj", "/CN=" + name)
        else:
            issuer.sign(self, "/CN=" + name, "basicConstraints=critical,CA:TRUE\n", DAYS)

    def issue(self, name, subject=None, alternatives=None, days=DAYS, password=None):
        """A certificate for somebody; `days` below zero have passed already."""
        extensions = f"subjectAltName={alternatives}\n" if alternatives else ""
        pair = Pair(self.folder, name)
        self.sign(pair, subject or f"/O=test/CN={name}", extensions, days)
        if password is not None:
            bare = pair.key.rename(pair.key.with_suffix(".bare"))
            openssl("pkcs8", "-topk8", "-in", bare, "-out", pair.key,
                    "-passout", "pass:" + password)
        return pair

    def revoke(self, *pairs):
        """A list of certificates that were taken back: these and all before."""
        conf, index = self.certificate.with_suffix(".cnf"), self.certificate.with_suffix(".index")
        serial = self.certificate.with_suffix(".crlnumber")
        if not index.exists():
            index.write_text("")
            serial.write_text("01\n")
            conf.write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={index}\n"
                            f"crlnumber={serial}\ndefault_md=sha256\n"
                            f"default_crl_days={DAYS}\n")
        own = ("ca", "-config", conf, "-cert", self.certificate, "-keyfile", self.key)
        for pair in pairs:
            openssl(*own, "-revoke", pair.certificate)
        revoked = self.certificate.with_suffix(".crl")
        openssl(*own, "-gencrl", "-out", revoked)
        return revoked

    def sign(self, pair, subject, extensions, days):
        request = pair.certificate.with_suffix(".csr")
        given = pair.certificate.with_suffix(".ext")
        given.write_text(extensions)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
                "-keyout", pair.key, "-out", request, "-subj", subject)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", given, "-out", pair.certificate)
