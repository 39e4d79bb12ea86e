DROP INDEX CONCURRENTLY public.messages_client_key_key;
