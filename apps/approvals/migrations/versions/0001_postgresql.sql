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
    ran_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
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
    decided_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
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
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
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
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (user_id, subject_type, subject_id)
);

CREATE TABLE events (
    seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    event_id TEXT GENERATED ALWAYS AS (body::json ->> 'event_id') STORED,
    type TEXT GENERATED ALWAYS AS (body::json ->> 'type') STORED,
    subject_type TEXT GENERATED ALWAYS AS (body::json ->> 'subject_type') STORED,
    subject_id TEXT GENERATED ALWAYS AS (body::json ->> 'subject_id') STORED,
    client_id TEXT GENERATED ALWAYS AS (body::json ->> 'client_id') STORED,
    actor_id TEXT GENERATED ALWAYS AS (body::json -> 'actor' ->> 'id') STORED,
    occurred_at TEXT GENERATED ALWAYS AS (body::json ->> 'occurred_at') STORED,
    PRIMARY KEY (seq)
);

CREATE INDEX events_actor ON events (actor_id, type);

CREATE UNIQUE INDEX events_event_id ON events (event_id);

CREATE INDEX events_subject ON events (subject_type, subject_id);

CREATE TABLE idempotency (
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    event_seq BIGINT,
    PRIMARY KEY (key)
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
    next_attempt_at TIMESTAMP WITHOUT TIME ZONE,
    leased_until TIMESTAMP WITHOUT TIME ZONE,
    leased_by TEXT,
    last_error TEXT,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    delivered_at TIMESTAMP WITHOUT TIME ZONE,
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
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE,
    body TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    approved_by TEXT,
    recorded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    event_seq BIGINT NOT NULL,
    PRIMARY KEY (policy_id, version)
);

CREATE INDEX policies_subject ON policies (subject_type, valid_from);

CREATE TABLE preferences (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
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
    proposed_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    event_seq BIGINT NOT NULL,
    PRIMARY KEY (subject_type, subject_id, revision)
);

CREATE INDEX proposals_maker ON proposals (maker_person);

CREATE TABLE saved_views (
    user_id TEXT NOT NULL,
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    shared BOOLEAN DEFAULT false NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (user_id, page, name)
);

CREATE TABLE sessions (
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    reauthenticated_at TIMESTAMP WITHOUT TIME ZONE,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (session_id)
);

CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE sign_in_attempts (
    attempt_id TEXT NOT NULL,
    who TEXT NOT NULL,
    succeeded BOOLEAN NOT NULL,
    attempted_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
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
    claimed_until TIMESTAMP WITHOUT TIME ZONE,
    snoozed_by TEXT,
    snoozed_until TIMESTAMP WITHOUT TIME ZONE,
    waiting_for TEXT,
    due_at TIMESTAMP WITHOUT TIME ZONE,
    opened_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (subject_type, subject_id)
);

CREATE INDEX subjects_state ON subjects (state, subject_type);

INSERT INTO chain_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP; END $$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER check_results_append_only BEFORE UPDATE OR DELETE ON check_results FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER check_results_no_truncate BEFORE TRUNCATE ON check_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER proposals_append_only BEFORE UPDATE OR DELETE ON proposals FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER proposals_no_truncate BEFORE TRUNCATE ON proposals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER policies_append_only BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER policies_no_truncate BEFORE TRUNCATE ON policies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER idempotency_append_only BEFORE UPDATE OR DELETE ON idempotency FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER idempotency_no_truncate BEFORE TRUNCATE ON idempotency FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER deliveries_append_only BEFORE UPDATE OR DELETE ON deliveries FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER deliveries_no_truncate BEFORE TRUNCATE ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION continue_the_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.prev_hash IS DISTINCT FROM coalesce((SELECT hash FROM events WHERE seq = NEW.seq - 1), CASE NEW.seq WHEN 1 THEN '0000000000000000000000000000000000000000000000000000000000000000' END) THEN
        RAISE EXCEPTION 'the event does not continue the chain';
    END IF;
    IF NEW.hash <> encode(sha256(convert_to(NEW.prev_hash || NEW.body, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'the hash is not that of the event';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER events_continue_the_chain BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION continue_the_chain();
