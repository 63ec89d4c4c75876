"""What the language calls of one run may cost: reserved before a call, settled after it.

The account of a run is one small JSON file below ``HOME/budgets``, changed under an exclusive ``flock``. A file was
chosen over a Postgres row because the language room then needs no database, a lock dies with its holder whatever way
it dies, and all processes of one run work on one machine. Each change is written atomically, so a process killed in
the middle leaves the former account. Its reservation stays in the account: the provider may have billed the call.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creative_lab.lake.fs import FileSystem
from creative_lab.language.errors import BudgetExceeded, LanguageError
from creative_lab.settings import Settings


class _Held(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    usd: float = Field(ge=0)
    tokens: int = Field(ge=0)


class Account(BaseModel):
    """The state of one run's budget."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    spent_usd: float = Field(default=0.0, ge=0)
    spent_tokens: int = Field(default=0, ge=0)
    held: dict[str, _Held] = Field(default_factory=dict, description="Open reservations by id.")

    @property
    def held_usd(self) -> float:
        """Sum of the open reservations in US dollars."""
        return sum(item.usd for item in self.held.values())

    @property
    def held_tokens(self) -> int:
        """Sum of the open reservations in tokens."""
        return sum(item.tokens for item in self.held.values())


@dataclass
class Reservation:
    """A part of the budget that is set aside for one call; as a context manager it releases what was not settled."""

    budget: Budget
    key: str
    open: bool = True

    def settle(self, usd: float, tokens: int = 0) -> None:
        """Replace the reservation by what the call really cost."""
        if not self.open:
            raise LanguageError("a reservation can be settled only once")
        self.budget._close(self.key, max(0.0, usd), max(0, tokens))
        self.open = False

    def release(self) -> None:
        """Give the reservation back, because the call failed and cost nothing. Harmless after ``settle``."""
        if self.open:
            self.budget._close(self.key, 0.0, 0)
            self.open = False

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Budget:
    """The budget of one run, shared by all its threads and processes.

    ``cap_usd`` 0 allows free calls only; ``cap_tokens`` None means that tokens are not limited. Two clients of one run
    that give different caps each hold to their own.
    """

    def __init__(
        self, settings: Settings, run_id: str, *, cap_usd: float | None = None, cap_tokens: int | None = None
    ) -> None:
        self.run_id = run_id
        self.cap_usd = settings.run_budget_usd if cap_usd is None else cap_usd
        self.cap_tokens = cap_tokens
        self._files = FileSystem(settings.home / "budgets")
        # A run id may hold anything; the name keeps it readable and the digest keeps it apart from all others.
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", run_id)[:60]
        self._name = f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:12]}.json"

    def reserve(self, usd: float, tokens: int = 0) -> Reservation:
        """Set aside the most that a call can cost.

        Raises :class:`BudgetExceeded` when spent, reserved and asked amounts together pass a cap.
        """
        if usd < 0 or tokens < 0:
            raise ValueError("a reservation cannot be negative")
        if usd == 0 and tokens == 0:
            # Nothing to hold: the offline drafter's calls need no write to the disk.
            return Reservation(self, "")
        key = uuid.uuid4().hex
        with self._locked() as account:
            total = account.spent_usd + account.held_usd + usd
            # Sums of binary fractions: a thousandth of a millionth of a dollar is no overspending.
            if usd > 0 and total > self.cap_usd + 1e-9:
                raise BudgetExceeded(
                    f"run {self.run_id}: a call of up to {usd:.6f} USD does not fit into the budget of "
                    f"{self.cap_usd:.6f} USD ({account.spent_usd:.6f} spent, {account.held_usd:.6f} reserved); "
                    "raise CREATIVE_LAB_RUN_BUDGET_USD to allow more"
                )
            total_tokens = account.spent_tokens + account.held_tokens + tokens
            if self.cap_tokens is not None and total_tokens > self.cap_tokens:
                raise BudgetExceeded(
                    f"run {self.run_id}: a call of up to {tokens} tokens does not fit into the cap of "
                    f"{self.cap_tokens} tokens ({account.spent_tokens} spent, {account.held_tokens} reserved)"
                )
            account.held[key] = _Held(usd=usd, tokens=tokens)
        return Reservation(self, key)

    def account(self) -> Account:
        """The state of the budget at this moment."""
        with self._locked(write=False) as account:
            return account

    def _close(self, key: str, usd: float, tokens: int) -> None:
        if not key and usd == 0 and tokens == 0:
            return
        with self._locked() as account:
            account.held.pop(key, None)
            account.spent_usd += usd
            account.spent_tokens += tokens

    @contextlib.contextmanager
    def _locked(self, *, write: bool = True) -> Iterator[Account]:
        path = self._files.path(self._name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is on a file beside the account, because each write replaces the account's file. Every entry opens
        # it anew: flock then also keeps threads apart.
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            account = self._read()
            yield account
            if write:
                self._files.write_bytes(self._name, account.model_dump_json().encode())
        finally:
            os.close(descriptor)

    def _read(self) -> Account:
        path = self._files.path(self._name)
        try:
            return Account.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Account()
        except ValidationError:
            # Starting again from zero would allow the whole budget a second time.
            raise LanguageError(
                f"the budget file {path} is damaged; delete it to start the run's budget anew"
            ) from None
