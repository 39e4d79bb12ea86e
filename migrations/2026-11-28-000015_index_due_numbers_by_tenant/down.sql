DROP INDEX public.phone_numbers_due_next_attempt_at_idx;
CREATE INDEX phone_numbers_due_next_attempt_at_idx ON public.phone_numbers (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
