CREATE OR REPLACE FUNCTION public.nmc_enter_holder(
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
