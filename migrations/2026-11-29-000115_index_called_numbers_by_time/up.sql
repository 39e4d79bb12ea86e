-- transaction: none
-- Of a business with one number nearly all calls are to it: a page in the order of time is read in that order, and not sorted out of all.
-- The id is in it because a plan for all values takes these calls to be few, and would sort them rather than merge by id.
CREATE INDEX CONCURRENTLY calls_called_phone_created_at_idx ON public.calls
    (tenant_id, called_phone, created_at, id);
