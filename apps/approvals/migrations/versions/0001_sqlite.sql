CREATE TABLE chain_head (
    id INTEGER NOT NULL CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE check_results (
    event_seq BIGINT NOT NULL,
    check_name TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    version TEXT NOT NULL,
    result TEXT NOT NULL CHECK (result in ('pass', 'fail', 'review', 'error')),
    inputs TEXT NOT NULL,
    said TEXT NOT NULL,
    ran_at DATETIME NOT NULL,
    PRIMARY KEY (event_seq, check_name)
);

CREATE INDEX check_results_subject ON check_results (subject_type, subject_id);

CREATE TABLE decisions (
    decision_id TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    decision TEXT NOT NULL CHECK (decision in ('approve', 'reject', 'override')),
    final BOOLEAN NOT NULL,
    actor_id TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    actor_limit_eur TEXT,
    person_key TEXT NOT NULL,
    maker_person TEXT NOT NULL,
    on_behalf_of TEXT,
    reason_code TEXT NOT NULL,
    note TEXT,
    overridden TEXT,
    entity TEXT,
    client_id TEXT,
    amount TEXT,
    currency TEXT,
    amount_eur TEXT,
    policy_id TEXT NOT NULL,
    policy_version INTEGER NOT NULL,
    publish_id BIGINT NOT NULL,
    publish_age_seconds BIGINT NOT NULL,
    facts_hash TEXT NOT NULL,
    decided_at DATETIME NOT NULL,
    event_seq BIGINT NOT NULL,
    PRIMARY KEY (decision_id),
    CONSTRAINT one_decision_a_step UNIQUE (subject_type, subject_id, round, step),
    CONSTRAINT four_eyes UNIQUE (subject_type, subject_id, round, person_key),
    CONSTRAINT maker_never_decides CHECK (maker_person <> person_key)
);

CREATE INDEX decisions_client ON decisions (client_id);

CREATE UNIQUE INDEX one_final_decision ON decisions (subject_type, subject_id, round) WHERE final;

CREATE TABLE deliveries (
    outbox_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    destination TEXT NOT NULL,
    started_at DATETIME NOT NULL,
    finished_at DATETIME NOT NULL,
    outcome TEXT NOT NULL,
    status_code INTEGER,
    error TEXT,
    PRIMARY KEY (outbox_id, attempt)
);

CREATE TABLE drafts (
    user_id TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    form TEXT NOT NULL,
    facts_hash TEXT,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, subject_type, subject_id)
);

CREATE TABLE events (
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    event_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.event_id')),
    type TEXT GENERATED ALWAYS AS (json_extract(body, '$.type')),
    subject_type TEXT GENERATED ALWAYS AS (json_extract(body, '$.subject_type')),
    subject_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.subject_id')),
    client_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.client_id')),
    actor_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.actor.id')),
    occurred_at TEXT GENERATED ALWAYS AS (json_extract(body, '$.occurred_at')),
    PRIMARY KEY (seq)
);

CREATE INDEX events_actor ON events (actor_id, type);

CREATE UNIQUE INDEX events_event_id ON events (event_id);

CREATE INDEX events_subject ON events (subject_type, subject_id);

CREATE TABLE idempotency (
    "key" TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_at DATETIME NOT NULL,
    event_seq BIGINT,
    PRIMARY KEY ("key")
);

CREATE TABLE outbox (
    outbox_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    decision_id TEXT,
    kind TEXT NOT NULL,
    destination TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status in ('pending', 'delivered', 'dead')),
    attempts INTEGER DEFAULT '0' NOT NULL,
    next_attempt_at DATETIME,
    leased_until DATETIME,
    leased_by TEXT,
    last_error TEXT,
    created_at DATETIME NOT NULL,
    delivered_at DATETIME,
    retried_by TEXT,
    PRIMARY KEY (outbox_id),
    UNIQUE (idempotency_key)
);

CREATE INDEX outbox_due ON outbox (status, next_attempt_at);

CREATE INDEX outbox_subject ON outbox (subject_type, subject_id);

CREATE TABLE policies (
    policy_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    subject_type TEXT NOT NULL,
    entity TEXT,
    min_amount_eur TEXT,
    valid_from DATETIME NOT NULL,
    valid_to DATETIME,
    body TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    approved_by TEXT,
    recorded_at DATETIME NOT NULL,
    event_seq BIGINT NOT NULL,
    PRIMARY KEY (policy_id, version)
);

CREATE INDEX policies_subject ON policies (subject_type, valid_from);

CREATE TABLE preferences (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, name)
);

CREATE TABLE proposals (
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    maker_id TEXT NOT NULL,
    maker_person TEXT NOT NULL,
    entity TEXT,
    client_id TEXT,
    amount TEXT,
    currency TEXT,
    amount_eur TEXT,
    payload TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    proposed_at DATETIME NOT NULL,
    event_seq BIGINT NOT NULL,
    PRIMARY KEY (subject_type, subject_id, revision)
);

CREATE INDEX proposals_maker ON proposals (maker_person);

CREATE TABLE saved_views (
    user_id TEXT NOT NULL,
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    "query" TEXT NOT NULL,
    shared BOOLEAN DEFAULT 0 NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, page, name)
);

CREATE TABLE sessions (
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    started_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL,
    reauthenticated_at DATETIME,
    ended_at DATETIME,
    PRIMARY KEY (session_id)
);

CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE sign_in_attempts (
    attempt_id TEXT NOT NULL,
    who TEXT NOT NULL,
    succeeded BOOLEAN NOT NULL,
    attempted_at DATETIME NOT NULL,
    PRIMARY KEY (attempt_id)
);

CREATE INDEX sign_in_attempts_who ON sign_in_attempts (who, attempted_at);

CREATE TABLE subjects (
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state in ('open', 'waiting', 'info_requested', 'escalated', 'approved', 'rejected', 'withdrawn')),
    version BIGINT NOT NULL,
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    entity TEXT,
    client_id TEXT,
    maker_person TEXT,
    facts_hash TEXT,
    claimed_by TEXT,
    claimed_until DATETIME,
    snoozed_by TEXT,
    snoozed_until DATETIME,
    waiting_for TEXT,
    due_at DATETIME,
    opened_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (subject_type, subject_id)
);

CREATE INDEX subjects_state ON subjects (state, subject_type);

INSERT INTO chain_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events is append-only: UPDATE refused'); END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events is append-only: DELETE refused'); END;

CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: events is append-only'); END;

CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions is append-only: UPDATE refused'); END;

CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions is append-only: DELETE refused'); END;

CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions WHEN EXISTS (SELECT 1 FROM decisions WHERE decision_id = NEW.decision_id)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: decisions is append-only'); END;

CREATE TRIGGER check_results_no_update BEFORE UPDATE ON check_results
BEGIN SELECT RAISE(ABORT, 'check_results is append-only: UPDATE refused'); END;

CREATE TRIGGER check_results_no_delete BEFORE DELETE ON check_results
BEGIN SELECT RAISE(ABORT, 'check_results is append-only: DELETE refused'); END;

CREATE TRIGGER check_results_no_replace BEFORE INSERT ON check_results WHEN EXISTS (SELECT 1 FROM check_results WHERE event_seq = NEW.event_seq AND check_name = NEW.check_name)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: check_results is append-only'); END;

CREATE TRIGGER proposals_no_update BEFORE UPDATE ON proposals
BEGIN SELECT RAISE(ABORT, 'proposals is append-only: UPDATE refused'); END;

CREATE TRIGGER proposals_no_delete BEFORE DELETE ON proposals
BEGIN SELECT RAISE(ABORT, 'proposals is append-only: DELETE refused'); END;

CREATE TRIGGER proposals_no_replace BEFORE INSERT ON proposals WHEN EXISTS (SELECT 1 FROM proposals WHERE subject_type = NEW.subject_type AND subject_id = NEW.subject_id AND revision = NEW.revision)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: proposals is append-only'); END;

CREATE TRIGGER policies_no_update BEFORE UPDATE ON policies
BEGIN SELECT RAISE(ABORT, 'policies is append-only: UPDATE refused'); END;

CREATE TRIGGER policies_no_delete BEFORE DELETE ON policies
BEGIN SELECT RAISE(ABORT, 'policies is append-only: DELETE refused'); END;

CREATE TRIGGER policies_no_replace BEFORE INSERT ON policies WHEN EXISTS (SELECT 1 FROM policies WHERE policy_id = NEW.policy_id AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: policies is append-only'); END;

CREATE TRIGGER idempotency_no_update BEFORE UPDATE ON idempotency
BEGIN SELECT RAISE(ABORT, 'idempotency is append-only: UPDATE refused'); END;

CREATE TRIGGER idempotency_no_delete BEFORE DELETE ON idempotency
BEGIN SELECT RAISE(ABORT, 'idempotency is append-only: DELETE refused'); END;

CREATE TRIGGER idempotency_no_replace BEFORE INSERT ON idempotency WHEN EXISTS (SELECT 1 FROM idempotency WHERE key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: idempotency is append-only'); END;

CREATE TRIGGER deliveries_no_update BEFORE UPDATE ON deliveries
BEGIN SELECT RAISE(ABORT, 'deliveries is append-only: UPDATE refused'); END;

CREATE TRIGGER deliveries_no_delete BEFORE DELETE ON deliveries
BEGIN SELECT RAISE(ABORT, 'deliveries is append-only: DELETE refused'); END;

CREATE TRIGGER deliveries_no_replace BEFORE INSERT ON deliveries WHEN EXISTS (SELECT 1 FROM deliveries WHERE outbox_id = NEW.outbox_id AND attempt = NEW.attempt)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: deliveries is append-only'); END;

CREATE TRIGGER events_continue_the_chain BEFORE INSERT ON events
WHEN NEW.prev_hash IS NOT coalesce((SELECT hash FROM events WHERE seq = NEW.seq - 1), CASE NEW.seq WHEN 1 THEN '0000000000000000000000000000000000000000000000000000000000000000' END)
BEGIN SELECT RAISE(ABORT, 'the event does not continue the chain'); END;
