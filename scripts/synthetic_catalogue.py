"""Write a believable catalogue of any size, for measuring.

    python -m scripts.synthetic_catalogue 300 /tmp/company        # 300 tools in 36 intents

The same number always gives the same files. It plays a company's back office: twenty
departments, what each of them looks after, and what can be done with that. The tools run: they
keep their records in a JSON file in the catalogue's data folder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Department: what it looks after, each as singular/plural where the plural is not with an s.
DEPARTMENTS = {
    "hr": "leave request, payslip, job opening, job interview, employment contract, training "
    "course, performance review, pension plan, shift, overtime claim, sick note, onboarding "
    "checklist, reference letter, salary band, work permit, parental leave, exit interview, "
    "team event, company car, relocation",
    "finance": "supplier invoice, expense report, budget, cost centre, bank transfer, tax return, "
    "credit note, purchase card, payment reminder, currency rate, loan, fixed asset, audit "
    "finding, cash forecast, dividend, ledger account, journal entry/journal entries, customs "
    "duty/customs duties, petty cash box/petty cash boxes, write-off",
    "it": "laptop, password reset, software licence, shared mailbox/shared mailboxes, vpn "
    "access/vpn accesses, printer, server, database backup, help ticket, security alert, user "
    "account, mobile phone, firewall rule, certificate, meeting room screen, patch/patches, "
    "storage quota, domain name, code repository/code repositories, badge reader",
    "sales": "lead, quote, customer visit, discount, sales forecast, order, territory/territories, "
    "commission, tender, price list, partner, demo appointment, renewal, competitor note, sample "
    "shipment, framework agreement, call list, win report, referral, account plan",
    "marketing": "newsletter, campaign, press release, landing page, trade fair, survey, banner, "
    "brand image, webinar, customer story/customer stories, social post, keyword, giveaway, "
    "video, podcast episode, brochure, sponsorship, influencer, mailing list, web banner test",
    "logistics": "parcel, delivery route, warehouse slot, forklift, pallet, driver, customs "
    "paper, return shipment, stock count, loading dock, courier pickup, container, freight rate, "
    "delivery delay, damaged item, packing list, cold store, truck inspection, fuel card, toll",
    "facilities": "meeting room, parking space, desk, cleaning job, lift fault, heating, light "
    "bulb, key card, visitor, catering order, plant, fire drill, window repair, waste pickup, "
    "water leak, locker, bike stand, building map, air filter, roof terrace booking",
    "legal": "contract review, trademark, patent, data request, lawsuit, power of attorney/powers "
    "of attorney, licence agreement, policy/policies, confidentiality agreement, compliance "
    "training, whistleblower report, board resolution, shareholder, court date, legal opinion, "
    "cookie banner, retention rule, export permit, settlement, notary appointment",
    "travel": "flight, hotel stay, train ticket, rental car, visa, travel budget, airport "
    "transfer, trip report, travel insurance, per diem, loyalty card, conference pass/conference "
    "passes, travel alert, vaccination, ferry/ferries, lounge access/lounge accesses, taxi "
    "ride, seat choice, luggage claim, group trip",
    "support": "complaint, refund, warranty claim, callback, chat transcript, service outage, "
    "help article, product recall, spare part, technician visit, feedback form, escalation, "
    "service contract, customer rating, loan device, repair order, known bug, canned reply/canned "
    "replies, language line, voucher",
    "production": "work order, machine, mould, batch/batches, recipe, quality test, scrap report, "
    "tool change, maintenance plan, production line, raw material, safety check, calibration, "
    "downtime, shift handover, energy reading, bill of materials/bills of materials, prototype, "
    "conveyor, assembly step",
    "purchasing": "purchase order, supplier, price comparison, goods receipt, delivery date, "
    "supplier rating, catalogue item, purchase approval, supply contract, minimum stock, sample "
    "order, import licence, bulk discount, dispute, sourcing event, bid, dropshipment, "
    "consignment, backorder, approved brand",
    "research": "experiment, lab booking, chemical, sample, dataset, publication, grant, study "
    "participant, microscope, lab notebook, ethics vote, prototype test, simulation, hypothesis/"
    "hypotheses, patent idea, conference talk, reagent order, sensor, calibration curve, thesis "
    "topic",
    "health": "doctor appointment, prescription, blood test, vaccination record, allergy/"
    "allergies, patient file, referral letter, ward bed, surgery slot, insurance card, x-ray, diet "
    "plan, nurse shift, discharge letter, ambulance, therapy session, medical device, blood "
    "donation, second opinion, hospital meal",
    "school": "timetable, homework, exam, report card, school trip, parent meeting, class list, "
    "absence, library loan, lunch menu, sports team, music lesson, school bus/school buses, "
    "scholarship, substitute teacher, graduation, playground duty/playground duties, textbook, "
    "science fair, locker key",
    "bank": "savings account, debit card, standing order, mortgage, credit limit, card dispute, "
    "exchange order, stock order, branch appointment, cheque book, direct debit, fraud alert, "
    "interest rate, account statement, pin letter, safe deposit box/safe deposit boxes, overdraft, "
    "payment request, joint account, tax certificate",
    "insurance": "insurance policy/insurance policies, accident claim, premium, damage photo, "
    "assessor visit, no-claims bonus/no-claims bonuses, coverage letter, beneficiary/"
    "beneficiaries, roadside call, travel cover, liability check, pet cover, home inventory/home "
    "inventories, storm report, deductible, dental cover, cancellation notice, risk survey, "
    "reinsurer, claim payout",
    "city": "building permit, parking permit, dog licence, birth certificate, passport, street "
    "light, pothole, recycling bin, playground, town meeting, noise complaint, marriage date, "
    "business licence, library card, allotment, tree felling, market stall, voting card, flood "
    "warning, swimming pool ticket",
    "farm": "field, harvest, tractor, cattle herd, milk delivery/milk deliveries, seed order, "
    "fertiliser, irrigation, greenhouse, weather station, soil test, vet visit, egg count, barn, "
    "subsidy/subsidies, pesticide, beehive, fence, grain price, farm shop sale",
    "energy": "meter reading, power outage, solar panel, wind turbine, charging station, tariff, "
    "grid connection, smart plug, gas boiler, heat pump, consumption alert, energy audit, "
    "transformer, battery/batteries, feed-in payment, cable route, district heating, fuse, "
    "carbon report, power plant",
}


@dataclass(frozen=True)
class Verb:
    """One thing to do. `{one}` and `{many}` stand for what it is done with."""

    tool: str
    effect: str
    does: str
    parameters: str
    examples: tuple[str, ...]


ID = 'reference: Annotated[str, Field(description="its reference number", max_length=40)]'
VERBS = (
    Verb(
        "list_{many}",
        "read",
        "List the {many}, newest first.",
        'status: Annotated[Literal["open", "closed", "all"], Field(description="which")] = "all"',
        ("show me all {many}", "which {many} are there?", "list the open {many}"),
    ),
    Verb(
        "get_{one}",
        "read",
        "Show one {one} with all its details.",
        ID,
        ("show {one} {ref}", "what's the state of {one} {ref}?", "details of the {one} please"),
    ),
    Verb(
        "create_{one}",
        "write",
        "Create a {one}.",
        'title: Annotated[str, Field(description="in a few words", max_length=200)], '
        'due: Annotated[date | None, Field(description="when it is needed")] = None',
        ("create a {one} for Friday", "I need a new {one}", "set up another {one}"),
    ),
    Verb(
        "cancel_{one}",
        "destructive",
        "Cancel a {one} for good.",
        ID + ', reason: Annotated[str, Field(description="why", max_length=200)] = ""',
        ("cancel {one} {ref}", "drop my {one}", "I don't need the {one} any more"),
    ),
    Verb(
        "update_{one}",
        "write",
        "Change what a {one} says.",
        ID + ', note: Annotated[str, Field(description="the new text", max_length=500)]',
        ("change the text of {one} {ref}", "correct my {one}", "the {one} is wrong, mend it"),
    ),
    Verb(
        "find_{many}",
        "read",
        "Search the {many} by words.",
        'words: Annotated[str, Field(description="what to look for", max_length=200)]',
        ("find the {many} about Berlin", "search {many} for Smith", "look for a {one} from May"),
    ),
    Verb(
        "assign_{one}",
        "write",
        "Hand a {one} over to a colleague.",
        ID + ', to: Annotated[str, Field(description="the colleague\'s name", max_length=80)]',
        ("give {one} {ref} to Maria", "hand my {one} over to Tom", "who can take this {one}?"),
    ),
    Verb(
        "approve_{one}",
        "write",
        "Approve a {one} that waits for a decision.",
        ID,
        ("approve {one} {ref}", "I agree with the {one}", "sign off the {one}"),
    ),
    Verb(
        "export_{many}",
        "read",
        "Export the {many} of a period as a table.",
        'since: Annotated[date, Field(description="first day")], '
        'until: Annotated[date | None, Field(description="last day")] = None',
        ("export the {many} of last year", "I want the {many} as a table", "download all {many}"),
    ),
    Verb(
        "prioritise_{one}",
        "write",
        "Set how urgent a {one} is.",
        ID + ', priority: Annotated[int, Field(description="1 is most urgent", ge=1, le=5)]',
        ("make {one} {ref} urgent", "the {one} can wait", "give the {one} priority 1"),
    ),
)

HEAD = '''\
"""The tools of a made-up company, written by scripts/synthetic_catalogue.py."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from engine import ToolContext, effect


def _record(context: ToolContext, kind: str, what: str, values: dict[str, Any]) -> dict[str, Any]:
    path = context.data_dir / "company.json"
    records = json.loads(path.read_text()) if path.exists() else []
    own = [record for record in records if record["kind"] == kind]
    if what in ("list", "get", "find", "export"):
        return {"count": len(own), "records": own[-5:]}
    given = {name: str(value) for name, value in values.items() if value is not None}
    records.append({"kind": kind, "action": what, "id": context.action_id, **given})
    path.write_text(json.dumps(records))
    return {"done": what, "kind": kind, **given}
'''


@dataclass(frozen=True)
class Thing:
    """What an intent is about."""

    department: str
    one: str
    many: str

    @property
    def key(self) -> str:
        return _name(self.many)


def things() -> Iterator[Thing]:
    """Yield all things there are, one of each department in turn."""
    lists = {name: text.split(", ") for name, text in DEPARTMENTS.items()}
    for number in range(max(map(len, lists.values()))):
        for department, own in lists.items():
            if number < len(own):
                one, _, many = own[number].partition("/")
                yield Thing(department, one, many or f"{one}s")


def intents_for(tools: int) -> int:
    """About eight tools to an intent; a thousand in 120."""
    return max(2, round(tools * 0.12))


def write(folder: Path, tools: int, intents: int | None = None) -> Path:
    """Write the catalogue into `folder`, which it returns. Raises `ValueError` beyond its size."""
    count = intents or intents_for(tools)
    chosen = list(things())[:count]
    if len(chosen) < count or not count <= tools <= count * len(VERBS):
        raise ValueError(f"there are at most {len(list(things()))} intents of {len(VERBS)} tools")
    (folder / "intents").mkdir(parents=True, exist_ok=True)
    code = [HEAD]
    for number, thing in enumerate(chosen):
        verbs = VERBS[: tools // count + (number < tools % count)]
        others = (chosen[number - 1], chosen[(number + 1) % count])
        (folder / "intents" / f"{thing.key}.toml").write_text(_intent(thing, verbs, others))
        code += [_function(thing, verb) for verb in verbs]
    (folder / "tools.py").write_text("\n\n".join(code))
    (folder / "catalog.toml").write_text(
        'title = "Back office"\nassistant_name = "Otto"\n'
        "persona = \"You are Otto, the assistant of a company's back office. You are friendly and "
        'brief, and say so kindly where you cannot help."\n'
    )
    return folder


def _intent(thing: Thing, verbs: Sequence[Verb], others: Sequence[Thing]) -> str:
    names = [_fill(verb.tool, thing) for verb in verbs]
    doing = ", ".join(name.split("_")[0] for name in names[:-1]) + " or " + names[-1].split("_")[0]
    lines = [
        f"title = {json.dumps(thing.many.capitalize())}",
        f'description = "{thing.department.capitalize()}: {doing} {thing.many}"',
        f"tools = {json.dumps(names)}",
        'counter_examples = ["'
        + '", "'.join(f"show me all {other.many}" for other in others)
        + '"]',
        "\n[examples]",
    ]
    for name, verb in zip(names, verbs, strict=True):
        said = [_fill(example, thing, spoken=True) for example in verb.examples]
        lines.append(f"{name} = {json.dumps(said)}")
    lines.append("\n[summaries]")
    for name, verb in zip(names, verbs, strict=True):
        if verb.effect != "read":
            shown = "{title}" if "title" in verb.parameters else "{reference}"
            lines.append(f'{name} = "{name.split("_")[0].capitalize()} {thing.one} {shown}"')
    return "\n".join(lines) + "\n"


def _function(thing: Thing, verb: Verb) -> str:
    does = _fill(verb.does, thing, spoken=True)
    name = _fill(verb.tool, thing)
    return f'''
@effect("{verb.effect}")
def {name}(context: ToolContext, {verb.parameters}) -> dict[str, Any]:
    """{does}"""
    values = {{n: v for n, v in locals().items() if n != "context"}}
    return _record(context, "{thing.one}", "{name.split("_")[0]}", values)'''


def _fill(text: str, thing: Thing, *, spoken: bool = False) -> str:
    one, many = (thing.one, thing.many) if spoken else (_name(thing.one), _name(thing.many))
    return text.replace("{one}", one).replace("{many}", many).replace("{ref}", "A-17")


def _name(text: str) -> str:
    return text.replace(" ", "_").replace("-", "_")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("tools", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--intents", type=int, help="instead of about one for eight tools")
    options = parser.parse_args()
    print(write(options.folder, options.tools, options.intents))


if __name__ == "__main__":
    main()
