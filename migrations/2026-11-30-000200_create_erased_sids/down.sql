DROP INDEX public.message_media_content_hash_idx;
DROP TABLE public.erased_sids;
