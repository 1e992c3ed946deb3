"""What a client can be asked for about actions, as operations (client.calls)."""

from __future__ import annotations

from fanfold.client.asking import Asking
from fanfold.client.calls import Call, Operation
from fanfold.client.shapes import Action, NeededRole, Provider


class ActionOperations(Asking):
    __slots__ = ()

    def list_actions(self, *, provider: str | None = None) -> Operation[list[Action]]:
        """Those one may see, by id; those of one provider."""
        call = Call(verb="GET", path="/api/actions", query={"provider": provider})
        return Action.read_list((yield from self.patience.ask(call)).json)

    def list_providers(self) -> Operation[list[Provider]]:
        """The services that actions call, with the scopes that are needed there."""
        return Provider.read_list((yield from self.get("/api/providers")))

    def list_needed_roles(self) -> Operation[list[NeededRole]]:
        """The IAM roles that actions need."""
        return NeededRole.read_list((yield from self.get("/api/roles")))
