-- What each user has read: an inbox shows what is new to whoever looks at it.
CREATE TABLE public.conversation_reads (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    user_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    read_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT conversation_reads_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversation_reads_user_id_conversation_id_key UNIQUE (tenant_id, user_id, conversation_id),
    CONSTRAINT conversation_reads_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES public.users (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT conversation_reads_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES public.conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_reads_conversation_id_idx ON public.conversation_reads (tenant_id, conversation_id);
COMMENT ON TABLE public.conversation_reads IS 'How far a user has read a conversation.';
COMMENT ON COLUMN public.conversation_reads.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.conversation_reads.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.conversation_reads.user_id IS 'Who has read it.';
COMMENT ON COLUMN public.conversation_reads.conversation_id IS 'The conversation.';
COMMENT ON COLUMN public.conversation_reads.read_at IS
    'The last change of the conversation that they have seen: what the customer did later is unread.';
COMMENT ON COLUMN public.conversation_reads.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.conversation_reads.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER conversation_reads_touch_updated_at BEFORE UPDATE ON public.conversation_reads
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('conversation_reads');
SELECT public.nmc_protect_table('public.conversation_reads');
