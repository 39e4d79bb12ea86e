-- transaction: none
-- The name under which the network showed a customer last, by when their calls began: for each row of an inbox.
CREATE INDEX CONCURRENTLY calls_caller_phone_named_idx ON public.calls
    (tenant_id, caller_phone, (coalesce(started_at, created_at)) DESC) WHERE caller_name IS NOT NULL;
