"""The operator's back end: one customer's books in `telecom.db`, and the rules for changing them.

    books.py      the file, its transactions, and changes that happen once
    schema.sql    its tables
    seed.py       what a new file holds
    balance.py    prepaid balance          data.py       mobile data
    roaming.py    prices abroad            countries.py  from what people say to a country
    contract.py   plan and contract        payment.py    bills and invoices
    wording.py    amounts and dates as people read them

Every result has a `summary`, a whole sentence for the customer. A refusal is a `ToolUserError`.
"""
