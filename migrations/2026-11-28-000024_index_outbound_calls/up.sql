-- transaction: none
-- One value fills nearly all rows; the other is what is asked for. 000028_lighten_hot_path puts it in the place of calls_call_direction_call_status_idx.
CREATE INDEX CONCURRENTLY calls_call_direction_call_status_partial_idx ON public.calls (tenant_id, call_direction, call_status)
    WHERE call_direction <> 'inbound';
