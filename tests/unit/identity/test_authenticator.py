"""Who asks: a token that all of this holds for, and nobody else's."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator

import pytest

from fanfold.domain.people import Principal
from fanfold.errors import IssuerSilent, SettingsInvalid, Unauthenticated, handling_of
from fanfold.identity import Authenticator, authenticator, is_for_loopback_only
from fanfold.settings import Settings
from fanfold.testing.clock import StillClock
from fanfold.testing.issuer import Issuer, new_key, running_issuer

KEYS = "/keys"


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def issuer(clock: StillClock) -> Iterator[Issuer]:
    with running_issuer(clock.now) as issuer:
        yield issuer


@pytest.fixture
def door(issuer: Issuer, clock: StillClock) -> Authenticator:
    return door_of(issuer, clock)


def door_of(issuer: Issuer, clock: StillClock, **settings: str) -> Authenticator:
    given = {"auth": issuer.url, "audience": "fanfold", **settings}
    return authenticator(Settings.model_validate(given), clock=clock, patience=10)


def test_a_good_token_says_who_asks(door: Authenticator, issuer: Issuer) -> None:
    token = issuer.token(sub="ann", groups=["ops", "dev"])
    assert door.principal_of(f"Bearer {token}") == Principal("ann", frozenset({"ops", "dev"}))


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA"])
def test_each_algorithm_is_taken(door: Authenticator, issuer: Issuer, algorithm: str) -> None:
    issuer.rotate(algorithm)
    assert door.principal_of(f"bearer {issuer.token()}").identity == "ann"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(issuer: Issuer) -> str:
    _, claims, _ = issuer.token().split(".")
    return f"{_part({'alg': 'none', 'kid': next(iter(issuer.keys))})}.{claims}."


def signed_with_the_public_key(issuer: Issuer) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    name, (_, key) = next(iter(issuer.keys.items()))
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_part({'alg': 'HS256', 'kid': name})}.{issuer.token().split('.')[1]}"
    seal = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


BAD: dict[str, tuple[Callable[[Issuer], str | None], str]] = {
    "expired": (lambda it: f"Bearer {it.token(expires=-60)}", "expired"),
    "never expires": (lambda it: f"Bearer {it.token(exp=float('nan'))}", "exp"),
    "no expiry of a number": (lambda it: f"Bearer {it.token(exp=True)}", "exp"),
    "not yet valid": (lambda it: f"Bearer {it.token(nbf=1_000_061)}", "not valid yet"),
    "of the future": (lambda it: f"Bearer {it.token(iat=1_000_061)}", "not valid yet"),
    "wrong audience": (lambda it: f"Bearer {it.token(aud='other')}", "audience"),
    "part of the audience": (lambda it: f"Bearer {it.token(aud='fanfold2')}", "audience"),
    "no audience": (lambda it: f"Bearer {it.token(aud=[])}", "audience"),
    "wrong issuer": (lambda it: f"Bearer {it.token(iss=it.url + '/')}", "issuer"),
    "unsigned": (lambda it: f"Bearer {unsigned(it)}", "not signed"),
    "HS256": (lambda it: f"Bearer {signed_with_the_public_key(it)}", "not signed"),
    "another key": (lambda it: f"Bearer {it.token(key=new_key('RS256'))}", "signature"),
    "unknown key": (lambda it: f"Bearer {it.token(kid='stranger')}", "does not publish"),
    "truncated": (lambda it: f"Bearer {it.token()[:-6]}", "signature"),
    "cut in two": (lambda it: f"Bearer {it.token().rsplit('.', 1)[0]}", "JSON Web Token"),
    "not a token": (lambda _: "Bearer secret", "JSON Web Token"),
    "deep": (lambda _: f"Bearer {_deep()}", "JSON Web Token"),
    "no header": (lambda _: None, "Nobody"),
    "empty": (lambda _: "", "Nobody"),
    "Basic": (lambda _: "Basic YTpi", "Bearer"),
    "bare": (lambda it: it.token(), "Bearer"),
    "two tokens": (lambda it: f"Bearer {it.token()} {it.token()}", "one token"),
    "two headers": (lambda it: f"Bearer {it.token()},Bearer {it.token()}", "one token"),
    "huge": (lambda it: f"Bearer {it.token(groups=['g' * 20_000])}", "longer"),
    "nobody": (lambda it: f"Bearer {it.token(sub=None)}", "subject"),
    "everybody": (lambda it: f"Bearer {it.token(sub='all')}", "many"),
    "everybody, aloud": (lambda it: f"Bearer {it.token(sub='ALL')}", "many"),
    "a group": (lambda it: f"Bearer {it.token(sub='group:ops')}", "many"),
}


def _deep() -> str:
    nested = base64.urlsafe_b64encode(b"[" * 5_000).rstrip(b"=").decode()
    return f"{_part({'alg': 'RS256', 'kid': 'key-1'})}.{nested}.AAAA"


@pytest.mark.parametrize("case", BAD)
def test_anything_else_is_nobody(door: Authenticator, issuer: Issuer, case: str) -> None:
    written, why = BAD[case]
    authorization = written(issuer)
    with pytest.raises(Unauthenticated, match=why) as refusal:
        door.principal_of(authorization)
    assert handling_of(refusal.value).http_status == 401
    tokens = [word for word in (authorization or "").split() if len(word) > 10]
    assert not any(token in str(refusal.value) for token in tokens)


@pytest.mark.parametrize("claims", [{"exp": 999_941}, {"nbf": 1_000_060}, {"iat": 1_000_060}])
def test_clocks_may_be_a_minute_apart(
    door: Authenticator, issuer: Issuer, claims: dict[str, int]
) -> None:
    assert door.principal_of(f"Bearer {issuer.token(**claims)}").identity == "ann"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verified", "identity"),
    [(True, "a@x.org"), ("true", "a@x.org"), (False, "ann"), ("false", "ann"), (1, "ann")],
)
def test_an_email_is_an_identity_once_it_is_verified(
    door: Authenticator, issuer: Issuer, verified: bool | str, identity: str
) -> None:
    token = issuer.token(email="a@x.org", email_verified=verified)
    assert door.principal_of(f"Bearer {token}").identity == identity


def test_groups_are_in_the_claim_that_is_configured(issuer: Issuer, clock: StillClock) -> None:
    door = door_of(issuer, clock, groups_claim="roles")
    token = issuer.token(groups=["ops"], roles="dev")
    assert door.principal_of(f"Bearer {token}").groups == {"dev"}


@pytest.mark.parametrize(
    ("admins", "expected"), [("bob, ann", True), ("group:ops", True), ("bob", False)]
)
def test_admins_are_named(issuer: Issuer, clock: StillClock, admins: str, expected: bool) -> None:
    door = door_of(issuer, clock, admins=admins)
    assert door.principal_of(f"Bearer {issuer.token(groups=['ops'])}").is_admin is expected


def test_keys_are_asked_for_once(door: Authenticator, issuer: Issuer) -> None:
    for _ in range(3):
        door.principal_of(f"Bearer {issuer.token()}")
    assert issuer.asked[KEYS] == 1


def test_unknown_keys_ask_once_in_a_while(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    door.principal_of(f"Bearer {issuer.token()}")
    clock.pass_(30)
    for number in range(5):
        with pytest.raises(Unauthenticated):
            door.principal_of(f"Bearer {issuer.token(kid=f'stranger-{number}')}")
    assert issuer.asked[KEYS] == 2


def test_a_rotated_key_is_taken_at_once_and_the_old_one_no_longer(
    door: Authenticator, issuer: Issuer
) -> None:
    old = issuer.token()
    door.principal_of(f"Bearer {old}")
    issuer.rotate("ES256")
    assert door.principal_of(f"Bearer {issuer.token()}").identity == "ann"
    with pytest.raises(Unauthenticated):
        door.principal_of(f"Bearer {old}")


def test_who_names_keys_that_are_not_there_holds_up_a_rotated_one_for_half_a_minute(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    with pytest.raises(Unauthenticated):
        door.principal_of(f"Bearer {issuer.token(kid='stranger')}")
    issuer.rotate()
    with pytest.raises(Unauthenticated, match="publish"):
        door.principal_of(f"Bearer {issuer.token()}")
    clock.pass_(30)
    assert door.principal_of(f"Bearer {issuer.token()}").identity == "ann"


def test_a_token_that_does_not_name_its_key_is_taken_where_there_is_one(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    assert door.principal_of(f"Bearer {issuer.token(kid='')}").identity == "ann"
    issuer.rotate("ES256", keep=True)
    clock.pass_(600)
    assert door.principal_of(f"Bearer {issuer.token(kid='')}").identity == "ann"
    issuer.rotate("ES256", keep=True)
    clock.pass_(600)
    with pytest.raises(Unauthenticated, match="has not just one"):
        door.principal_of(f"Bearer {issuer.token(kid='')}")


def test_keys_that_have_no_names_are_taken_where_one_alone_fits(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    issuer.names_keys = False
    assert door.principal_of(f"Bearer {issuer.token(kid='')}").identity == "ann"
    with pytest.raises(Unauthenticated, match="publish"):
        door.principal_of(f"Bearer {issuer.token()}")
    issuer.rotate(keep=True)
    clock.pass_(600)
    with pytest.raises(Unauthenticated, match="has not just one"):
        door.principal_of(f"Bearer {issuer.token(kid='')}")


def test_a_withdrawn_key_is_forgotten_though_nobody_names_another(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    old = issuer.token()
    door.principal_of(f"Bearer {old}")
    issuer.rotate()
    clock.pass_(600)
    with pytest.raises(Unauthenticated, match="publish"):
        door.principal_of(f"Bearer {old}")


def test_an_issuer_out_of_order_is_asked_once_in_a_while_and_then_believed_again(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    issuer.status = 500
    for _ in range(3):
        with pytest.raises(IssuerSilent):
            door.principal_of(f"Bearer {issuer.token()}")
    assert handling_of(IssuerSilent()).http_status == 503
    assert sum(issuer.asked.values()) == 1
    issuer.status = 200
    clock.pass_(30)
    assert door.principal_of(f"Bearer {issuer.token()}").identity == "ann"


def test_known_keys_outlast_an_outage_of_an_hour_and_not_of_days(
    door: Authenticator, issuer: Issuer, clock: StillClock
) -> None:
    door.principal_of(f"Bearer {issuer.token()}")
    issuer.status = 503
    clock.pass_(3600)
    assert door.principal_of(f"Bearer {issuer.token()}").identity == "ann"
    clock.pass_(86_400)
    with pytest.raises(IssuerSilent):
        door.principal_of(f"Bearer {issuer.token()}")


def test_an_issuer_that_is_slow_is_not_waited_for(issuer: Issuer, clock: StillClock) -> None:
    settings = Settings.model_validate({"auth": issuer.url, "audience": "fanfold"})
    door = authenticator(settings, clock=clock, patience=0.05)
    issuer.answers.clear()
    with pytest.raises(IssuerSilent):
        door.principal_of(f"Bearer {issuer.token()}")


def test_an_issuer_that_is_down_is_silent(clock: StillClock) -> None:
    with running_issuer(clock.now) as gone:
        token = gone.token()
    with pytest.raises(IssuerSilent):
        door_of(gone, clock).principal_of(f"Bearer {token}")


def test_who_answers_as_another_issuer_is_not_believed(door: Authenticator, issuer: Issuer) -> None:
    issuer.name = "https://other.example.com"
    with pytest.raises(IssuerSilent, match="another issuer"):
        door.principal_of(f"Bearer {issuer.token()}")


def test_each_configured_issuer_vouches_with_its_own_keys(
    issuer: Issuer, clock: StillClock
) -> None:
    with running_issuer(clock.now) as second:
        door = door_of(issuer, clock, auth=f"{issuer.url}, {second.url}")
        assert (
            door.principal_of(f"Bearer {second.token(sub='bob')}").identity == f"{second.url}#bob"
        )
        with pytest.raises(Unauthenticated, match="signature"):
            door.principal_of(f"Bearer {second.token(iss=issuer.url)}")


@pytest.mark.parametrize(
    "subject",
    [
        "bob@example.com",
        "https://other.example.com#bob",
        "local",
        "request",
        "message",
        " all",
        "ann, bob",
    ],
)
def test_a_subject_that_looks_like_somebody_else_is_told_with_its_issuer(
    door: Authenticator, issuer: Issuer, subject: str
) -> None:
    token = issuer.token(sub=subject, email="bob@example.com", email_verified=False)
    assert door.principal_of(f"Bearer {token}").identity == f"{issuer.url}#{subject}"


@pytest.mark.parametrize(
    "email", ["https://other.example.com#bob", "group:ops", '"a b"@c.com', "all", "ann"]
)
def test_an_address_that_looks_like_somebody_else_is_refused(
    door: Authenticator, issuer: Issuer, email: str
) -> None:
    with pytest.raises(Unauthenticated, match="e-mail"):
        door.principal_of(f"Bearer {issuer.token(email=email)}")


def test_on_a_desk_nobody_is_asked() -> None:
    settings = Settings.model_validate({"auth": "none"})
    assert authenticator(settings).principal_of(None) == Principal("local", is_admin=True)
    assert is_for_loopback_only(settings)


def test_without_a_word_about_it_nobody_is_let_in() -> None:
    with pytest.raises(SettingsInvalid, match=r"FANFOLD_AUTH.*none"):
        authenticator(Settings.model_validate({"auth": ""}))
