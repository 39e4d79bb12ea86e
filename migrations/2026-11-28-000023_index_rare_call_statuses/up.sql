-- transaction: none
-- Two values fill nearly all rows; the others are what is asked for. 000028_lighten_hot_path puts it in the place of calls_call_status_idx.
CREATE INDEX CONCURRENTLY calls_call_status_partial_idx ON public.calls (tenant_id, call_status)
    WHERE call_status NOT IN ('completed', 'no-answer');
