CREATE OR REPLACE TRIGGER conversations_keep_tags AFTER UPDATE OF tags ON public.conversations
    FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags) EXECUTE FUNCTION public.nmc_keep_conversation_tags();
CREATE OR REPLACE FUNCTION public.nmc_keep_conversation_tags() RETURNS trigger
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
ALTER TABLE public.conversation_tags DROP COLUMN created_at;
