-- A call's first callback in few round trips: one function leads the transaction to the tenant that holds the number and tells what is
-- known there of the call, and one writes what the library has decided.

-- Neither is SECURITY DEFINER: both are to see what their caller's role sees, and the first goes on as the tenant. Names are looked up
-- where nmc_enter_tenant has them looked up.

CREATE FUNCTION public.nmc_enter_holder(
    ours text, other text, person text, sid text, at timestamptz, settled timestamptz,
    OUT tenant uuid, OUT sends boolean, OUT from_own_number boolean, OUT call_known boolean,
    OUT conversation uuid, OUT conversation_status text
)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    SELECT n.tenant_id, n.status = 'active' INTO tenant, sends FROM phone_numbers AS n
    WHERE n.phone_number = ours AND n.status <> 'released' AND NOT EXISTS (
        SELECT FROM phone_numbers AS former
        WHERE former.phone_number = ours AND former.status = 'released' AND former.provisioned_at IS NOT NULL
          AND (former.released_at > settled OR coalesce(n.provisioned_at, n.created_at) > at));
    IF tenant IS NULL THEN
        RETURN;
    END IF;
    PERFORM nmc_enter_tenant(tenant);
    -- For as long as this transaction lasts: what decides about a greeting is planned for longer than it runs, and all its plans are alike.
    SET LOCAL plan_cache_mode = force_generic_plan;
    PERFORM pg_advisory_xact_lock(('x' || left(encode(sha256(
        'nmc person lock'::bytea || uuid_send(tenant) || convert_to(person, 'UTF8')), 'hex'), 16))::bit(64)::bigint);
    -- Each of these sees what was committed until the lock was had.
    from_own_number := other = ours OR EXISTS (
        SELECT FROM phone_numbers AS n WHERE n.tenant_id = tenant AND n.phone_number = other AND n.status <> 'released');
    call_known := EXISTS (SELECT FROM calls AS c WHERE c.tenant_id = tenant AND c.twilio_call_sid = sid);
    IF NOT call_known THEN
        -- A call that is there is locked before its conversation.
        SELECT c.id, c.status INTO conversation, conversation_status FROM conversations AS c
        WHERE c.tenant_id = tenant AND c.customer_phone = person AND c.status IN ('active', 'waiting')
        FOR NO KEY UPDATE;
    END IF;
END
$$;
COMMENT ON FUNCTION public.nmc_enter_holder(text, text, text, text, timestamptz, timestamptz) IS
    'For nmc_system: whose number of ours it was at an instant, as far as nobody else gave it up after settled; else NULL, and nothing '
    'else happens. Enters that tenant, takes the other party''s lock, and tells what is known of the call and the party.';

CREATE FUNCTION public.nmc_record_call(
    tenant uuid, moment timestamptz,
    call uuid, sid text, caller text, called text, direction text, status text, outcome text, seconds integer, began timestamptz,
    ended timestamptz, leg_status text, leg_bridged boolean, answered text, forwarded text, recording text, recording_seconds integer,
    name text, city text, state text, country text, reason text, error integer, verdict text,
    conversation uuid, opens boolean, person text,
    greeting uuid, body text, due timestamptz,
    event_ids uuid[], event_types text[], event_data jsonb[]
) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF opens THEN
        INSERT INTO conversations (id, tenant_id, customer_phone, channel, first_call_id, last_call_id, total_calls,
                                   total_duration_seconds, created_at, updated_at)
        VALUES (conversation, tenant, person, 'phone', call, call, 1, coalesce(seconds, 0), moment, moment)
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE conversations AS c
        SET first_call_id = coalesce(c.first_call_id, call), last_call_id = call, total_calls = c.total_calls + 1,
            total_duration_seconds = c.total_duration_seconds + coalesce(seconds, 0), updated_at = moment
        WHERE c.tenant_id = tenant AND c.id = conversation;
    END IF;
    IF FOUND THEN
        INSERT INTO calls (id, tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome,
                           duration_seconds, started_at, ended_at, forwarded_leg_status, forwarded_leg_bridged, answered_by,
                           forwarded_from, recording_url, recording_duration_seconds, twilio_call_sid, caller_name, caller_city,
                           caller_state, caller_country, disconnect_reason, error_code, stir_verstat, created_at, updated_at)
        VALUES (call, tenant, conversation, caller, called, direction, status, outcome,
                seconds, began, ended, leg_status, leg_bridged, answered,
                forwarded, recording, recording_seconds, sid, name, city,
                state, country, reason, error, verdict, moment, moment)
        ON CONFLICT DO NOTHING;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the call or its conversation has been written meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    IF greeting IS NOT NULL THEN
        INSERT INTO messages (id, tenant_id, conversation_id, call_id, message_body, message_direction, message_kind,
                              from_number, to_number, message_status, next_attempt_at, created_at, updated_at)
        VALUES (greeting, tenant, conversation, call, body, 'outbound', 'greeting', called, caller, 'queued', due, moment, moment);
    END IF;
    INSERT INTO conversation_events (id, tenant_id, conversation_id, call_id, event_type, event_data, created_at)
    SELECT e.id, tenant, conversation, call, e.kind, e.details, moment
    FROM ROWS FROM (unnest(event_ids), unnest(event_types), unnest(event_data)) AS e (id, kind, details);
    RETURN true;
END
$$;
COMMENT ON FUNCTION public.nmc_record_call IS
    'Writes a new call, the conversation it opens or is counted in, its greeting unless that is NULL, and the events. What another '
    'transaction has written meanwhile is a serialization_failure: try again.';

REVOKE ALL ON FUNCTION public.nmc_enter_holder(text, text, text, text, timestamptz, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.nmc_record_call FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nmc_enter_holder(text, text, text, text, timestamptz, timestamptz) TO nmc_system;
GRANT EXECUTE ON FUNCTION public.nmc_record_call TO nmc_tenant;
