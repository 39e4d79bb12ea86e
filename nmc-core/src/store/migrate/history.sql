CREATE TABLE public.nmc_migrations (
    version VARCHAR(50) NOT NULL,
    name VARCHAR(200) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    run_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT nmc_migrations_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE public.nmc_migrations IS
    'The migrations of nmc that this database has. Versions that only Diesel''s table has are somebody else''s.';
COMMENT ON COLUMN public.nmc_migrations.version IS 'The digits of the migration''s name, as in Diesel''s table.';
COMMENT ON COLUMN public.nmc_migrations.name IS 'The rest of the migration''s name.';
COMMENT ON COLUMN public.nmc_migrations.fingerprint IS 'SHA-256 of its SQL, in hexadecimal.';
COMMENT ON COLUMN public.nmc_migrations.run_on IS 'When it was applied, or found in Diesel''s table.';
