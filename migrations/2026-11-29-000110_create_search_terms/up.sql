-- Text search. An index of to_tsvector is closed to nmc_tenant, because its operators are not leakproof and row-level security comes first;
-- so is one for LIKE. Equality and order of texts are open: each word is a row.

CREATE FUNCTION public.nmc_words(body text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
    -- Nothing of it asks the database's collation, which may know the letters of ASCII alone: what has an accent loses it, and the letters
    -- of Latin, Greek and Cyrillic that are then neither ASCII nor small are named.
    SELECT ARRAY(
        SELECT left(word, 40)
        FROM regexp_split_to_table(
            translate(
                lower(regexp_replace(
                    normalize(left(body, 10000), NFKD) COLLATE "C",
                    '[''\u02bc\u2018\u2019\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4-\u05c7\u064b-\u065f\u0670]+', '', 'g')),
                'ÆÐØÞĐĦŁŊŒŦẞƏıςҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏ',
                'æðøþđħłŋœŧßəiσґαβγδεζηθικλμνξοπρστυφχψωабвгдежзиклмнопрстуфхцчшщъыьэюяђєѕіјљњћџ'),
            '[\u0001-/:-@\[-`{-\u00bf\u00d7\u00f7\u02b0-\u02ff\u055a-\u055f\u0589-\u058f\u05be\u05c0\u05c3\u05f3\u05f4\u0600-\u060f\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e3f\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe6f\ufeff\uff00-\uff0f\uff61-\uff65\ufff0-\uffff\U0001f000-\U0001faff\U000e0000-\U000e01ef]+') AS word
        WHERE word <> '')
$$;
COMMENT ON FUNCTION public.nmc_words(text) IS
    'The words of a text as search compares them, in their order: runs of letters and digits, small, without accents and apostrophes, each up to 40 characters; of the first 10,000 characters.';
REVOKE ALL ON FUNCTION public.nmc_words(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nmc_words(text) TO nmc_tenant, nmc_system;

CREATE TABLE public.message_terms (
    tenant_id UUID NOT NULL,
    term TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    message_id UUID NOT NULL,
    CONSTRAINT message_terms_pkey PRIMARY KEY (tenant_id, term, created_at, message_id),
    CONSTRAINT message_terms_message_id_fkey
        FOREIGN KEY (tenant_id, message_id) REFERENCES public.messages (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX message_terms_message_id_idx ON public.message_terms (tenant_id, message_id);
COMMENT ON TABLE public.message_terms IS
    'The words of each text, greetings left out, a row each. Triggers of messages keep it; search reads its key alone, newest first.';
COMMENT ON COLUMN public.message_terms.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.message_terms.term IS 'A word, as nmc_words writes it.';
COMMENT ON COLUMN public.message_terms.created_at IS 'The instant of the text.';
COMMENT ON COLUMN public.message_terms.message_id IS 'The text.';
SELECT public.nmc_protect_table('public.message_terms');

CREATE TABLE public.conversation_terms (
    tenant_id UUID NOT NULL,
    term TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    conversation_id UUID NOT NULL,
    CONSTRAINT conversation_terms_pkey PRIMARY KEY (tenant_id, term, created_at, conversation_id),
    CONSTRAINT conversation_terms_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES public.conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_terms_conversation_id_idx ON public.conversation_terms (tenant_id, conversation_id);
COMMENT ON TABLE public.conversation_terms IS
    'The words of the customer''s name of each conversation, a row each. Triggers of conversations keep it.';
COMMENT ON COLUMN public.conversation_terms.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.conversation_terms.term IS 'A word, as nmc_words writes it.';
COMMENT ON COLUMN public.conversation_terms.created_at IS 'The instant at which the conversation was opened.';
COMMENT ON COLUMN public.conversation_terms.conversation_id IS 'The conversation.';
SELECT public.nmc_protect_table('public.conversation_terms');

-- Not SECURITY DEFINER: whoever writes a text or a conversation may write its words.
CREATE FUNCTION public.nmc_keep_message_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM message_terms AS t WHERE t.tenant_id = NEW.tenant_id AND t.message_id = NEW.id;
    END IF;
    IF NEW.message_kind <> 'greeting' THEN
        INSERT INTO message_terms (tenant_id, term, created_at, message_id)
        SELECT DISTINCT NEW.tenant_id, word, NEW.created_at, NEW.id FROM unnest(public.nmc_words(NEW.message_body)) AS word
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_message_terms() IS 'AFTER INSERT or UPDATE: writes the words of a text to message_terms.';
REVOKE ALL ON FUNCTION public.nmc_keep_message_terms() FROM PUBLIC;
-- A missed call, whose text is a greeting, pays nothing.
CREATE TRIGGER messages_keep_new_terms AFTER INSERT ON public.messages
    FOR EACH ROW WHEN (NEW.message_kind <> 'greeting') EXECUTE FUNCTION public.nmc_keep_message_terms();
CREATE TRIGGER messages_keep_terms AFTER UPDATE OF message_body, message_kind, created_at ON public.messages
    FOR EACH ROW WHEN (OLD.message_body IS DISTINCT FROM NEW.message_body OR OLD.message_kind IS DISTINCT FROM NEW.message_kind
        OR OLD.created_at IS DISTINCT FROM NEW.created_at)
    EXECUTE FUNCTION public.nmc_keep_message_terms();

CREATE FUNCTION public.nmc_keep_conversation_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM conversation_terms AS t WHERE t.tenant_id = NEW.tenant_id AND t.conversation_id = NEW.id;
    END IF;
    INSERT INTO conversation_terms (tenant_id, term, created_at, conversation_id)
    SELECT DISTINCT NEW.tenant_id, word, NEW.created_at, NEW.id FROM unnest(public.nmc_words(NEW.customer_name)) AS word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_conversation_terms() IS
    'AFTER INSERT or UPDATE: writes the words of a customer''s name to conversation_terms.';
REVOKE ALL ON FUNCTION public.nmc_keep_conversation_terms() FROM PUBLIC;
CREATE TRIGGER conversations_keep_new_terms AFTER INSERT ON public.conversations
    FOR EACH ROW WHEN (NEW.customer_name IS NOT NULL) EXECUTE FUNCTION public.nmc_keep_conversation_terms();
CREATE TRIGGER conversations_keep_terms AFTER UPDATE OF customer_name, created_at ON public.conversations
    FOR EACH ROW WHEN (OLD.customer_name IS DISTINCT FROM NEW.customer_name OR OLD.created_at IS DISTINCT FROM NEW.created_at)
    EXECUTE FUNCTION public.nmc_keep_conversation_terms();
