-- What happened in a business, numbered in the order of the commits, for whoever shows it live.

CREATE TABLE public.tenant_streams (
    tenant_id UUID,
    epoch UUID NOT NULL DEFAULT gen_random_uuid(),
    seq BIGINT NOT NULL,
    CONSTRAINT tenant_streams_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenant_streams_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT tenant_streams_seq_check CHECK (seq >= 0)
)
-- It is changed by every transaction: its new versions stay on their page, which has room for them.
WITH (fillfactor = 50);
COMMENT ON TABLE public.tenant_streams IS
    'The head of a tenant''s stream of events. The last statement of each transaction that has events moves it, so that numbers are given in the order of the commits and without gaps. A tenant in which nothing has happened yet has no row.';
COMMENT ON COLUMN public.tenant_streams.tenant_id IS 'The tenant whose stream it is.';
COMMENT ON COLUMN public.tenant_streams.epoch IS
    'One counting of the numbers. A restored database gets another one: numbers from before the restore mean something else then.';
COMMENT ON COLUMN public.tenant_streams.seq IS 'The number of the last event.';
SELECT public.nmc_protect_table('public.tenant_streams');

CREATE TABLE public.stream_events (
    tenant_id UUID,
    seq BIGINT,
    kind VARCHAR(30) NOT NULL,
    subject_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT stream_events_pkey PRIMARY KEY (tenant_id, seq),
    CONSTRAINT stream_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT stream_events_seq_check CHECK (seq > 0),
    CONSTRAINT stream_events_kind_check CHECK (kind IN (
        'alert.created', 'alert.updated', 'call.created', 'call.updated', 'consent.recorded', 'conversation.created',
        'conversation.updated', 'message.created', 'message.updated', 'number.changed', 'presence.changed'))
);
COMMENT ON TABLE public.stream_events IS
    'One change of a tenant''s rows: which, and nothing of what is in them. Kept for 7 days at least.';
COMMENT ON COLUMN public.stream_events.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.stream_events.seq IS 'Its number, from 1, without gaps.';
COMMENT ON COLUMN public.stream_events.kind IS 'What has changed, and how.';
COMMENT ON COLUMN public.stream_events.subject_id IS
    'The row that has changed; of presence, the user. NULL: so many have that they are not named one by one.';
COMMENT ON COLUMN public.stream_events.created_at IS
    'The instant of the transaction; it need not rise with the number.';
SELECT public.nmc_protect_table('public.stream_events', append_only => true);

-- The caller has entered a role: that has pinned the search_path in which the tables are found here, and its rights decide what is
-- written.
CREATE FUNCTION public.nmc_append_events(tenant uuid, kinds text[], subjects uuid[], at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    many CONSTANT bigint := cardinality(kinds);
    head bigint;
    written bigint;
BEGIN
    INSERT INTO tenant_streams AS stream (tenant_id, seq) VALUES (tenant, many)
    ON CONFLICT (tenant_id) DO UPDATE SET seq = stream.seq + excluded.seq
    RETURNING stream.seq INTO head;
    INSERT INTO stream_events (tenant_id, seq, kind, subject_id, created_at)
    SELECT tenant, head - many + noted.place, noted.kind, noted.subject, at
    FROM unnest(kinds, subjects) WITH ORDINALITY AS noted (kind, subject, place)
    ON CONFLICT (tenant_id, seq) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> many THEN
        RAISE EXCEPTION 'the stream of % has events beyond its head', tenant USING ERRCODE = 'data_corrupted';
    END IF;
END
$$;
COMMENT ON FUNCTION public.nmc_append_events(uuid, text[], uuid[], timestamptz) IS
    'Numbers these events and appends them to the tenant''s stream: the last statement before COMMIT, since whoever comes next waits for it.';
REVOKE ALL ON FUNCTION public.nmc_append_events(uuid, text[], uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nmc_append_events(uuid, text[], uuid[], timestamptz) TO nmc_tenant, nmc_system;
