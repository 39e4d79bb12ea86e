-- Tags, so that they are found: a GIN index of conversations.tags is closed to nmc_tenant, because its operators are not leakproof and
-- row-level security comes first. Equality of texts is.
CREATE TABLE public.conversation_tags (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    tag TEXT NOT NULL,
    CONSTRAINT conversation_tags_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversation_tags_conversation_id_tag_key UNIQUE (tenant_id, conversation_id, tag),
    CONSTRAINT conversation_tags_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES public.conversations (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE public.conversation_tags IS 'The tags of each conversation once more, a row each. Triggers of conversations keep it.';
COMMENT ON COLUMN public.conversation_tags.id IS 'Key.';
COMMENT ON COLUMN public.conversation_tags.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.conversation_tags.conversation_id IS 'The conversation.';
COMMENT ON COLUMN public.conversation_tags.tag IS 'One of its tags.';
SELECT public.nmc_protect_table('public.conversation_tags');

-- Not SECURITY DEFINER: whoever writes a conversation may write its tags.
CREATE FUNCTION public.nmc_keep_conversation_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM conversation_tags AS t
    WHERE t.tenant_id = NEW.tenant_id AND t.conversation_id = NEW.id AND t.tag <> ALL (NEW.tags);
    INSERT INTO conversation_tags (tenant_id, conversation_id, tag)
    SELECT NEW.tenant_id, NEW.id, tag FROM unnest(NEW.tags) AS tag
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_conversation_tags() IS 'AFTER INSERT or UPDATE OF tags: writes the tags of a conversation to conversation_tags.';
REVOKE ALL ON FUNCTION public.nmc_keep_conversation_tags() FROM PUBLIC;
CREATE TRIGGER conversations_keep_new_tags AFTER INSERT ON public.conversations
    FOR EACH ROW WHEN (NEW.tags <> '{}') EXECUTE FUNCTION public.nmc_keep_conversation_tags();
CREATE TRIGGER conversations_keep_tags AFTER UPDATE OF tags ON public.conversations
    FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags) EXECUTE FUNCTION public.nmc_keep_conversation_tags();

-- Those that are there. The triggers have locked the table against other writers until the end of this transaction.
SELECT public.nmc_enter_system();
INSERT INTO public.conversation_tags (tenant_id, conversation_id, tag)
SELECT DISTINCT c.tenant_id, c.id, tag FROM public.conversations AS c, unnest(c.tags) AS tag;
SET LOCAL ROLE NONE;
-- After the rows, which is sooner than before them. It also serves whoever asks which tags a business has.
CREATE INDEX conversation_tags_tag_conversation_id_idx ON public.conversation_tags (tenant_id, tag, conversation_id);
