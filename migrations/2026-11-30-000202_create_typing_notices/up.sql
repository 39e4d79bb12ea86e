-- Who is about to answer, from the server that heard it to the others. It is worth nothing after a crash, and its writes are not to
-- burden the log: hence UNLOGGED.

CREATE UNLOGGED TABLE public.typing_notices (
    tenant_id UUID,
    conversation_id UUID,
    user_id UUID,
    process_id UUID NOT NULL,
    is_typing BOOLEAN NOT NULL,
    noticed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT typing_notices_pkey PRIMARY KEY (tenant_id, conversation_id, user_id),
    CONSTRAINT typing_notices_conversation_id_fkey FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES public.conversations (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT typing_notices_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES public.users (tenant_id, id) ON DELETE CASCADE
)
-- It is changed every few seconds: its new versions stay on their page, which has room for them.
WITH (fillfactor = 50);
COMMENT ON TABLE public.typing_notices IS
    'The last that a user''s client said of typing in a conversation: read by other processes for 6 seconds, deleted after a minute, empty after a crash.';
COMMENT ON COLUMN public.typing_notices.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.typing_notices.conversation_id IS 'The conversation in whose room it is told.';
COMMENT ON COLUMN public.typing_notices.user_id IS 'The user who is about to answer.';
COMMENT ON COLUMN public.typing_notices.process_id IS
    'The process that wrote it, and has told its own clients; it takes another id whenever it starts.';
COMMENT ON COLUMN public.typing_notices.is_typing IS 'Whether the user types; false: no longer.';
COMMENT ON COLUMN public.typing_notices.noticed_at IS
    'When it was written, by the clock of the database: those of servers differ.';
CREATE INDEX typing_notices_user_id_idx ON public.typing_notices (tenant_id, user_id);
SELECT public.nmc_protect_table('public.typing_notices');
