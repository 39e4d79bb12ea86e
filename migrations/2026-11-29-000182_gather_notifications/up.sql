-- Of a storm of alerts the later notifications to one recipient go out in one message, the digest.

ALTER TABLE public.notifications ADD COLUMN digest_id UUID;
COMMENT ON COLUMN public.notifications.digest_id IS
    'The digest that told of it together with others: the id of the notification that it was begun with, which may be gone; NULL: told by itself.';
