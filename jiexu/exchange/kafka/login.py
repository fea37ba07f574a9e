"""Logging in to Kafka: TLS, passwords and certificates from their files, and one login tried before any client is made.

The library tries a login that was refused again and again until its time is up, and then says only that it timed
out. Tried once, the refusal comes within a moment and says what it was. Files are read at every login, so that a
new password or certificate is taken up with the next connection.
"""

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kafka.errors as errors
from cryptography.x509 import load_pem_x509_certificate

from jiexu.contract.errors import ContractError
from jiexu.contract.secret_files import check_private, read_secret
from jiexu.exchange.kafka import defects
from jiexu.exchange.port import ExchangeError, LoginRefused
from jiexu.exchange.settings import KafkaSettings

_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A connection that ended in the handshake. A port without TLS does so, and a server that is going down too."""


class _Password(str):
    """A password that shows itself to nobody: the library logs its whole configuration at level DEBUG."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def login_options(settings: KafkaSettings) -> dict[str, Any]:
    """What clients need to log in, read from the files now. Raises `LoginRefused`."""
    options: dict[str, Any] = {}
    if settings.tls:
        options["ssl_context"] = _tls_context(settings)
    if settings.sasl_password_file is not None:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": _Password(_secret(settings.sasl_password_file)),
        }
    return options


def login_mark(settings: KafkaSettings) -> tuple[tuple[int, int, int], ...]:
    """What the files of the login look like now: another mark once a password or certificate was replaced."""
    marks = []
    for file in settings.files():
        try:
            found = os.stat(file)
            marks.append((found.st_ino, found.st_mtime_ns, found.st_size))
        except OSError:
            marks.append((0, 0, 0))
    return tuple(marks)


def login_holds(settings: KafkaSettings) -> bool:
    """Whether one lets us in with what the files say now; False while nobody answers. Raises `LoginRefused`."""
    try:
        try_login(settings, settings.client_options() | login_options(settings))
    except (errors.KafkaError, OSError, defects.ClosedAtFirstQuestion):
        return False
    return True


def try_login(settings: KafkaSettings, options: dict[str, Any]) -> None:
    """Connect and log in once, to the first server that lets us in. Raises `LoginRefused`, or the library's error
    where no server can be reached.
    """
    failures = defects.connect_once(options, settings.request_timeout)
    if not failures:
        return
    # A server that says no says more than one that does not answer.
    for error in failures:
        refused = refused_login(error, settings)
        if refused is not None:
            raise refused from error
    raise speaks_tls(settings) or failures[0]


def refused_login(error: BaseException, settings: KafkaSettings) -> LoginRefused | None:
    """The refusal behind an error of the library, None where it is none."""
    for cause in _causes(error):
        if isinstance(cause, errors.SaslAuthenticationFailedError):
            return _refused(settings, *_wrong_password(settings))
        if isinstance(cause, errors.UnsupportedSaslMechanismError | errors.IllegalSaslStateError):
            return _refused(
                settings,
                f"服务器不接受 {settings.sasl_mechanism} 登录",
                f"it does not take logins by {settings.sasl_mechanism}",
                "请核对 sasl_mechanism 与服务器的 sasl.enabled.mechanisms，以及端口是否正确",
                "Compare sasl_mechanism with the server's sasl.enabled.mechanisms, and check the port",
            )
        if isinstance(cause, defects.ClosedAtFirstQuestion) and not settings.security.startswith("SASL"):
            return _refused(
                settings,
                "该端口需要用户名和密码",
                "this port wants a name and a password",
                f"请设置 security = SASL_{settings.security} 与 sasl_mechanism、sasl_username、sasl_password_file，"
                "或改用以证书登录的端口",
                f"Set security = SASL_{settings.security} with sasl_mechanism, sasl_username, sasl_password_file, or "
                "use the port where certificates log in",
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _ENDED):
            return _refused(settings, *_tls_refusal(cause, settings))
    return None


def hint(error: BaseException) -> str:
    """What an error that is no refusal may mean all the same: "" where nothing comes to mind."""
    ended = any(isinstance(cause, _ENDED) for cause in _causes(error))
    return "; the other side broke off the TLS handshake: is this port for TLS?" if ended else ""


def speaks_tls(settings: KafkaSettings) -> ExchangeError | None:
    """For a client without TLS that got no answer: whether the server expects TLS, which looks like silence."""
    if settings.tls or not defects.offers_tls(settings.bootstrap.split(",")[0], settings.request_timeout):
        return None
    return _refused(
        settings,
        "该端口只接受 TLS 连接",
        "this port takes TLS only",
        "请在 [exchange.kafka] 中设置 security（SSL 或 SASL_SSL）与 ssl_ca_file，或改用明文端口",
        "Set security (SSL or SASL_SSL) and ssl_ca_file in [exchange.kafka], or use the port for plain text",
    )


def _tls_context(settings: KafkaSettings) -> ssl.SSLContext:
    """TLS 1.2 or later, the server's certificate always checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = settings.ssl_check_hostname
    if settings.ssl_ca_file is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(settings.ssl_ca_file)
        except OSError as error:  # an SSLError, for what is no PEM, is one too
            raise _file_unusable("ssl_ca_file", settings.ssl_ca_file, error) from error
    if settings.ssl_cert_file is not None and settings.ssl_key_file is not None:
        _load_own_certificate(context, settings, settings.ssl_cert_file, settings.ssl_key_file)
    return context


def _load_own_certificate(context: ssl.SSLContext, settings: KafkaSettings, certificate: str, key: str) -> None:
    password_file = settings.ssl_key_password_file
    # Empty where none is given: without a password OpenSSL would ask for one at the terminal, and wait.
    password = "" if password_file is None else _secret(password_file)
    try:
        check_private(Path(key))
        context.load_cert_chain(certificate, key, lambda: password)
        _refuse_expired(certificate)
    except ContractError as error:
        raise LoginRefused(error.zh, error.en) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise LoginRefused(
                f"私钥 {key} 不是证书 {certificate} 的私钥。请核对 ssl_cert_file 与 ssl_key_file。",
                f"The private key {key} is not that of the certificate {certificate}. Check ssl_cert_file and "
                "ssl_key_file.",
            ) from error
        raise LoginRefused(
            f"不能读取证书 {certificate} 或私钥 {key}（{error.reason or error}）。请核对两个文件是否为 PEM，"
            "私钥加密时 ssl_key_password_file 中的口令是否正确。",
            f"The certificate {certificate} or the private key {key} cannot be read ({error.reason or error}). Check "
            "that both are PEM and, where the key is encrypted, the password in ssl_key_password_file.",
        ) from error
    except OSError as error:
        missing = key if Path(certificate).is_file() else certificate
        raise _file_unusable("ssl_key_file" if missing == key else "ssl_cert_file", missing, error) from error


def _refuse_expired(certificate: str) -> None:
    """Known here before the server says no more than that it will not have it."""
    ends = load_pem_x509_certificate(Path(certificate).read_bytes()).not_valid_after_utc
    if ends <= datetime.now(UTC):
        raise LoginRefused(
            f"证书 {certificate} 已于 {ends:%Y-%m-%d %H:%M} UTC 过期。请向管理员申请新证书，换入后自动生效。",
            f"The certificate {certificate} expired at {ends:%Y-%m-%d %H:%M} UTC. Get a new one from the "
            "administrator; it is taken up by itself once it is in place.",
        )


def _secret(file: str) -> str:
    try:
        return read_secret(Path(file))
    except ContractError as error:
        raise LoginRefused(error.zh, error.en) from error


def _file_unusable(setting: str, file: str, error: OSError) -> LoginRefused:
    why = error.strerror if error.strerror and not isinstance(error, ssl.SSLError) else "no PEM certificate"
    return LoginRefused(
        f"{setting} 指明的文件 {file} 不能使用（{why}）。请核对路径、权限与内容（PEM）。",
        f"The file {file} of {setting} cannot be used ({why}). Check path, permissions and content (PEM).",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, or was made of: the library wraps TLS errors without naming them."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [other for other in (one.__cause__, one.__context__, *one.args) if isinstance(other, BaseException)]


def _wrong_password(settings: KafkaSettings) -> tuple[str, str, str, str]:
    user, file = settings.sasl_username, settings.sasl_password_file
    return (
        f"用户 {user} 未被接受：没有这个用户，或 {file} 中的密码不对",
        f"user {user} was not let in: there is no such user, or the password in {file} is not its own",
        f"请核对用户名与密码文件；由管理员重设：kafka-configs.sh --alter --entity-type users --entity-name {user} "
        f"--add-config '{settings.sasl_mechanism}=[password=…]'",
        f"Check both; an administrator sets it anew: kafka-configs.sh --alter --entity-type users --entity-name {user} "
        f"--add-config '{settings.sasl_mechanism}=[password=…]'",
    )


def _tls_refusal(error: ssl.SSLError, settings: KafkaSettings) -> tuple[str, str, str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message
        if error.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
            return (
                f"服务器的证书不是发给这个地址的（{said}）",
                f"the server's certificate is not for this address ({said})",
                "请在 bootstrap 中写证书所载的主机名，并核对服务器的 advertised.listeners；不要关闭 ssl_check_hostname",
                "Write the name that the certificate bears into bootstrap, and check the server's "
                "advertised.listeners; do not switch ssl_check_hostname off",
            )
        ca = settings.ssl_ca_file or "系统证书 system's certificates"
        return (
            f"服务器的证书不能由 {ca} 证实（{said}）",
            f"the server's certificate is not vouched for by {ca} ({said})",
            "请向管理员索取签发该证书的 CA 证书，核对 ssl_ca_file；证书过期时由管理员更换",
            "Get the certificate of the CA that issued it from the administrator and check ssl_ca_file; an expired "
            "one is the administrator's to replace",
        )
    reason = (error.reason or str(error)).upper()
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER" in reason:
        return (
            "该端口不是 TLS 端口",
            "this port does not speak TLS",
            "请核对 bootstrap 的端口与 security",
            "Check the port in bootstrap, and security",
        )
    if "ALERT" in reason:
        own = settings.ssl_cert_file
        return (
            f"服务器没有接受本方的证书（{reason}），本方证书：{own or '未配置'}",
            f"the server did not take our certificate ({reason}); ours: {own or 'none is configured'}",
            "请配置 ssl_cert_file 与 ssl_key_file，证书须由服务器信任的 CA 签发且在有效期内",
            "Configure ssl_cert_file and ssl_key_file, issued by a CA that the server trusts, and not expired",
        )
    return (f"TLS 连接失败（{reason}）", f"TLS failed ({reason})", "请核对两端的 TLS 设置", "Check TLS on both sides")


def _refused(settings: KafkaSettings, zh: str, en: str, do_zh: str, do_en: str) -> LoginRefused:
    return LoginRefused(
        f"不能登录 Kafka（{settings.bootstrap}）：{zh}。{do_zh}。",
        f"Cannot log in to Kafka ({settings.bootstrap}): {en}. {do_en}.",
    )
