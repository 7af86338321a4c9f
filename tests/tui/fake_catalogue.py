"""A small catalogue as the screen gets it."""

from __future__ import annotations

from tui.services.backend import IntentRow, ParameterRow, ToolRow

INTENTS = (
    IntentRow(
        "balance",
        "Balance",
        "The prepaid balance: how much is left, adding money",
        counter_examples=("pay my invoice",),
        tools=(
            ToolRow(
                "get_balance",
                "read",
                "Show how much money is left on the account.",
                policy="runs at once",
                examples=("how much money do I have?", "what's my balance"),
                schema={"type": "object", "properties": {}},
            ),
            ToolRow(
                "top_up_balance",
                "write",
                "Add money to the account balance. [/b] is no markup.",
                policy="asks first, up to amount 50; beyond that it is not run",
                parameters=(
                    ParameterRow("amount", "number, more than 0", description="Dollars to add"),
                    ParameterRow("note", "text, at most 80 characters", False, "none"),
                ),
                summary="Add ${amount} to your balance",
                questions=("How many dollars shall I add?",),
                examples=("top up 20 dollars",),
                schema={"type": "object", "properties": {"amount": {"type": "number"}}},
            ),
        ),
    ),
    IntentRow(
        "tickets",
        "Tickets",
        "Tickets of the help desk",
        source="openapi",
        instructions="Ask for the ticket's number.",
        tools=(
            ToolRow(
                "delete_ticket",
                "destructive",
                "Deletes a ticket for good, with all that was written in it. " * 8,
                shortened="Deletes a ticket for good.",
                policy="asks every time",
            ),
        ),
    ),
)
