-- transaction: none
-- A page of outbound calls is read in the order of time, and not sorted out of all there are.
CREATE INDEX CONCURRENTLY calls_call_direction_created_at_idx ON public.calls
    (tenant_id, call_direction, created_at, id) WHERE call_direction <> 'inbound';
