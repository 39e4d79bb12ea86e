-- An automatic text that was deleted counts for what may be sent in a day all the same: a deletion is no way around the limit.

ALTER TABLE public.erased_sids ADD COLUMN texted_at TIMESTAMPTZ;
COMMENT ON COLUMN public.erased_sids.texted_at IS 'When it was sent, if it was an automatic text: it counts for what may be sent in a day all the same. NULL for all else.';
CREATE INDEX erased_sids_texted_at_idx ON public.erased_sids (tenant_id, texted_at) WHERE texted_at IS NOT NULL;
