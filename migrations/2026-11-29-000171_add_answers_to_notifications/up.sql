-- A link in a mail about an alert acts once for each notification.

ALTER TABLE public.notifications ADD COLUMN answered_at TIMESTAMPTZ;
COMMENT ON COLUMN public.notifications.answered_at IS
    'When its recipient acted on the alert by one of the links that it held; NULL: not yet, or otherwise.';
