"""Any sequence of writes, repeats and refusals: the books hold what succeeded, once."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.tools.tool import ToolUserError
from tests.engine.catalogs.telecom_desk import Desk

pytestmark = pytest.mark.slow

SEEDED = Decimal("32.50")
ALLOWANCE = {"S": 5, "M": 20, "L": 50, "Unlimited": None}
PLANS = st.sampled_from(sorted(ALLOWANCE))
INVOICES = st.sampled_from(["INV-1042", "INV-1007", "INV-0964", "INV-4711"])
DOLLARS = st.decimals(min_value="0.01", max_value="250", places=2)
GIGABYTES = st.decimals(min_value="0.1", max_value="120", places=1)


class Customer(RuleBasedStateMachine):
    """What the customer believes, written down beside what the books say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name))
        self.balance, self.packs, self.plan = SEEDED, Decimal(0), "M"
        self.open = {"INV-1042", "INV-1007"}
        self.cancelled = False
        self.done: list[tuple[str, str, dict[str, Any], Any]] = []

    def teardown(self) -> None:
        self.folder.cleanup()

    def attempt(self, tool: str, **arguments: Any) -> bool:
        action_id = f"try-{len(self.done)}-{tool}"
        try:
            result = self.desk.call(tool, action_id=action_id, **arguments)
        except ToolUserError:
            return False
        self.done.append((action_id, tool, arguments, result))
        return True

    @rule(amount=DOLLARS)
    def top_up_balance(self, amount: Decimal) -> None:
        allowed = amount <= 200 and self.balance + amount <= 500
        assert self.attempt("top_up_balance", amount=amount) == allowed
        self.balance += amount if allowed else 0

    @rule(amount=GIGABYTES)
    def top_up_data(self, amount: Decimal) -> None:
        allowed = amount <= 100 and self.plan != "Unlimited"
        assert self.attempt("top_up_data", amount=amount) == allowed
        self.packs += amount if allowed else 0

    @rule(plan=PLANS)
    def change_plan(self, plan: str) -> None:
        allowed = plan != self.plan and not self.cancelled
        assert self.attempt("change_plan", plan=plan) == allowed
        self.plan = plan if allowed else self.plan

    @rule(invoice=INVOICES, method=st.sampled_from(["card", "paypal", "bank_transfer"]))
    def pay_invoice(self, invoice: str, method: str) -> None:
        allowed = invoice in self.open
        assert self.attempt("pay_invoice", invoice_id=invoice, method=method) == allowed
        self.open.discard(invoice)

    @rule()
    def cancel_contract(self) -> None:
        assert self.attempt("cancel_contract") == (not self.cancelled)
        self.cancelled = True

    @precondition(lambda self: bool(self.done))
    @rule(choice=st.randoms(use_true_random=False))
    def repeat(self, choice: Any) -> None:
        action_id, tool, arguments, result = choice.choice(self.done)
        assert self.desk.call(tool, action_id=action_id, **arguments) == result

    @invariant()
    def the_books_agree(self) -> None:
        assert Decimal(self.desk.call("get_balance")["balance_usd"]) == self.balance
        allowance = ALLOWANCE[self.plan]
        left = self.desk.call("get_data_balance")["left_gb"]
        if allowance is None:
            assert left is None
        else:
            assert Decimal(left) == max(allowance + self.packs - Decimal("12.6"), 0)
        invoices = self.desk.call("list_invoices")
        assert {invoice["id"] for invoice in invoices["open"]} == self.open
        assert (self.desk.call("get_contract")["ends_on"] is not None) == self.cancelled


Customer.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnySequence = Customer.TestCase
