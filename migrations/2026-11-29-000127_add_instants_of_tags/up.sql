-- A page of the conversations with a tag is read by the tag, in the order of the page, however many there are: without it a plan for all
-- values reads through a business's conversations for a tag of few.
ALTER TABLE public.conversation_tags ADD COLUMN created_at TIMESTAMPTZ;
COMMENT ON COLUMN public.conversation_tags.created_at IS 'The instant at which the conversation was opened.';
-- Nobody tags meanwhile: the table is locked until the end of this transaction, and those who wait use what is written here.
SELECT public.nmc_enter_system();
UPDATE public.conversation_tags AS t SET created_at = c.created_at FROM public.conversations AS c WHERE c.tenant_id = t.tenant_id AND c.id = t.conversation_id;
SET LOCAL ROLE NONE;
ALTER TABLE public.conversation_tags ALTER COLUMN created_at SET NOT NULL;

CREATE OR REPLACE FUNCTION public.nmc_keep_conversation_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM conversation_tags AS t
    WHERE t.tenant_id = NEW.tenant_id AND t.conversation_id = NEW.id AND t.tag <> ALL (NEW.tags);
    INSERT INTO conversation_tags AS t (tenant_id, conversation_id, tag, created_at)
    SELECT DISTINCT NEW.tenant_id, NEW.id, tag, NEW.created_at FROM unnest(NEW.tags) AS tag
    ON CONFLICT (tenant_id, conversation_id, tag) DO UPDATE SET created_at = excluded.created_at WHERE t.created_at <> excluded.created_at;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_conversation_tags() IS
    'AFTER INSERT or UPDATE OF tags, created_at: writes the tags of a conversation to conversation_tags.';
CREATE OR REPLACE TRIGGER conversations_keep_tags AFTER UPDATE OF tags, created_at ON public.conversations
    FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags OR OLD.created_at IS DISTINCT FROM NEW.created_at)
    EXECUTE FUNCTION public.nmc_keep_conversation_tags();
