"""Flows and actions for Globus' own clients."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from fanfold import Access, Context, Permanent, Retryable, action, flow


class Echo(BaseModel):
    echo_string: str
    sleep: int = 0


@flow(title="Say it", access=Access(owner="olga", starters=("all",)))
def say(record: Echo) -> dict[str, str]:
    """Says what it is told."""
    if record.echo_string == "fail":
        raise Permanent("told to fail")
    return {"said": record.echo_string}


@flow
def patient(_: Any, ctx: Context) -> int:
    if ctx.attempt == 1:
        raise Retryable(after=3600)
    return ctx.attempt


@flow
def number(record: Any) -> int:
    return int(record)


@flow(access=Access(owner="olga", starters=("group:editors",), viewers=("vic",)))
def secret(record: Any) -> Any:
    return record


@flow
def approve(record: dict[str, Any], ctx: Context) -> Any:
    ctx.log("asking", about=record)
    answer = ctx.ask("Approve?", schema={"enum": ["yes", "no"]})
    return {"answer": answer, "sure": ctx.ask("Sure?", schema=bool)}


@action(provider="words", scopes=["words:write"], roles=["roles/pubsub.publisher"])
def shout(text: str) -> str:
    """Say it loud."""
    return text.upper()


@action(provider="words", roles=["roles/datastore.user", "roles/pubsub.publisher"])
def split(text: str) -> list[str]:
    return text.split()


@action(provider="words")
def count(words: list[str]) -> int:
    return len(words)


@action(provider="mail", access=Access(starters=(), viewers=("group:editors",)))
def send(message: Any) -> Any:
    return message
