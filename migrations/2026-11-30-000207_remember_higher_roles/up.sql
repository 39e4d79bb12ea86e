-- Whose role was lowered could be invited again by whoever lowered it, with a password of theirs, and raised back: a peer came back as them.

ALTER TABLE public.users
    ADD COLUMN password_role VARCHAR(50),
    ADD CONSTRAINT users_password_role_check CHECK (password_role IN ('owner', 'admin', 'operator', 'user', 'viewer'));
COMMENT ON COLUMN public.users.password_role IS
    'The highest role that the password has been good for, if that was lowered since: who may have it reset goes by this one. NULL: by the role.';
