-- Money is in US cents, data in megabytes (1 GB is 1000 MB), days are ISO 8601.

CREATE TABLE plan (
    name TEXT PRIMARY KEY,
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    allowance_mb INTEGER CHECK (allowance_mb > 0)  -- NULL is unlimited
) STRICT;

CREATE TABLE customer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    phone_number TEXT NOT NULL,
    card TEXT NOT NULL
) STRICT;

CREATE TABLE contract (
    customer_id INTEGER PRIMARY KEY REFERENCES customer (id),
    plan TEXT NOT NULL REFERENCES plan (name),
    since TEXT NOT NULL,
    ends_on TEXT,
    end_reason TEXT
) STRICT;

-- The balance is the sum of its entries.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    booked_on TEXT NOT NULL,
    text TEXT NOT NULL,
    cents INTEGER NOT NULL CHECK (cents != 0)
) STRICT;

CREATE TABLE data_usage (
    day TEXT PRIMARY KEY,
    megabytes INTEGER NOT NULL CHECK (megabytes >= 0)
) STRICT;

CREATE TABLE data_pack (
    id INTEGER PRIMARY KEY,
    bought_on TEXT NOT NULL,
    megabytes INTEGER NOT NULL CHECK (megabytes > 0),
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0)
) STRICT;

CREATE TABLE zone (
    key TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    minute_cents INTEGER NOT NULL CHECK (minute_cents >= 0),
    sms_cents INTEGER NOT NULL CHECK (sms_cents >= 0),
    megabyte_cents INTEGER NOT NULL CHECK (megabyte_cents >= 0)
) STRICT;

CREATE TABLE country (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    zone TEXT NOT NULL REFERENCES zone (key)
) STRICT;

CREATE TABLE invoice (
    id TEXT PRIMARY KEY,
    issued_on TEXT NOT NULL,
    due_on TEXT NOT NULL
) STRICT;

CREATE TABLE invoice_line (
    invoice_id TEXT NOT NULL REFERENCES invoice (id),
    text TEXT NOT NULL,
    cents INTEGER NOT NULL
) STRICT;

-- The key makes paying an invoice twice impossible.
CREATE TABLE payment (
    invoice_id TEXT PRIMARY KEY REFERENCES invoice (id),
    paid_on TEXT NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('card', 'paypal', 'bank_transfer')),
    cents INTEGER NOT NULL CHECK (cents > 0)
) STRICT;

-- What was asked for under an action's id, and the first answer to it; the answer is JSON's null
-- where somebody found that it had not been done, and nothing may be done under the id any more.
CREATE TABLE action (
    id TEXT PRIMARY KEY CHECK (id != ''),
    request TEXT NOT NULL,
    result TEXT NOT NULL,
    done_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
