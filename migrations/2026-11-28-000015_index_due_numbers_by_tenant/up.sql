-- Workers take every tenant in its turn: the tenants with numbers due are found in the order of their ids, as those of the other queues.

DROP INDEX public.phone_numbers_due_next_attempt_at_idx;
CREATE INDEX phone_numbers_due_next_attempt_at_idx ON public.phone_numbers (tenant_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
