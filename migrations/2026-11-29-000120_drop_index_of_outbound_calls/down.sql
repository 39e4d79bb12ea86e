CREATE INDEX CONCURRENTLY calls_call_direction_call_status_idx ON public.calls (tenant_id, call_direction, call_status) WHERE call_direction <> 'inbound';
