CREATE INDEX CONCURRENTLY calls_called_phone_idx ON public.calls (tenant_id, called_phone);
