-- What was deleted at a customer's request stays deleted though the provider still lists it.

CREATE TABLE public.erased_sids (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    sid VARCHAR(100) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT erased_sids_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT erased_sids_sid_key UNIQUE (tenant_id, sid),
    CONSTRAINT erased_sids_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT erased_sids_sid_check CHECK (sid <> '')
);
CREATE INDEX erased_sids_created_at_idx ON public.erased_sids (tenant_id, created_at);
COMMENT ON TABLE public.erased_sids IS
    'A call or text that was deleted for good: whoever hears of it late, or reads it in the provider''s lists, does not record it again. Kept for as long as those lists are read back, and a day.';
COMMENT ON COLUMN public.erased_sids.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.erased_sids.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.erased_sids.sid IS 'The provider''s id of the call or text, which tells nothing of the customer.';
COMMENT ON COLUMN public.erased_sids.created_at IS 'When it was deleted.';
SELECT public.nmc_protect_table('public.erased_sids');

-- Whether the file of a picture is another text's, too. Few texts have pictures: their table is small.
CREATE INDEX message_media_content_hash_idx ON public.message_media (tenant_id, content_hash) WHERE content_hash IS NOT NULL;
