-- The roles every transaction runs as, the two doors into them, and what the other migrations share.

-- Roles belong to the cluster, not to this database: another database may have made them already, or be making them now.
--   nmc_tenant  sees the rows of one tenant, the one named by nmc.tenant_id
--   nmc_system  sees every row
--   nmc_gate    lets its members enter either role while inheriting neither: NOINHERIT stops their rights here, so that
--               a login which forgets to enter a role sees no row (PostgreSQL 15 has no GRANT … WITH INHERIT FALSE)
DO $$
DECLARE
    wanted CONSTANT text[] := ARRAY['nmc_gate', 'nmc_tenant', 'nmc_system'];
    missing CONSTANT text[] := ARRAY(SELECT w FROM unnest(wanted) AS w WHERE to_regrole(w) IS NULL);
    -- From 16 on membership alone does not allow SET ROLE.
    entering CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    by_hand CONSTANT text := format(
        'Have an administrator run: CREATE ROLE nmc_gate NOLOGIN NOINHERIT; CREATE ROLE nmc_tenant LOGIN; '
        'CREATE ROLE nmc_system LOGIN; GRANT nmc_tenant, nmc_system TO nmc_gate; GRANT nmc_gate TO %I; '
        '(leaving out what exists already), then migrate again.', session_user);
    name text;
    member text;
BEGIN
    IF current_setting('server_version_num')::integer < 150000 THEN
        RAISE EXCEPTION 'NeverMissCall needs PostgreSQL 15 or later, this server is %', current_setting('server_version')
            USING ERRCODE = 'feature_not_supported';
    END IF;

    IF missing <> '{}' AND NOT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION '% may not create the roles %', current_user, array_to_string(missing, ', ')
            USING ERRCODE = 'insufficient_privilege', HINT = by_hand;
    END IF;

    FOREACH name IN ARRAY missing LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I %s', name, CASE name WHEN 'nmc_gate' THEN 'NOLOGIN NOINHERIT' ELSE 'LOGIN' END);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database's migration was faster
        END;
    END LOOP;

    -- A role that was already here is only as good a wall as its attributes.
    SELECT rolname INTO name FROM pg_roles
     WHERE rolname = ANY (wanted) AND (rolsuper OR rolbypassrls OR (rolname = 'nmc_gate' AND rolinherit))
     ORDER BY rolname LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the role % exists with SUPERUSER, BYPASSRLS or, for nmc_gate, INHERIT', name
            USING ERRCODE = 'invalid_role_specification', HINT = format(
                'ALTER ROLE %I NOSUPERUSER NOBYPASSRLS%s;', name, CASE name WHEN 'nmc_gate' THEN ' NOINHERIT' ELSE '' END);
    END IF;

    -- A superuser counts as a member of every role and needs no grant.
    FOR name, member IN VALUES ('nmc_tenant', 'nmc_gate'), ('nmc_system', 'nmc_gate'), ('nmc_gate', session_user) LOOP
        BEGIN
            IF NOT pg_has_role(member, name, entering) THEN
                EXECUTE format('GRANT %I TO %I', name, member);
            END IF;
        EXCEPTION
            WHEN unique_violation THEN
                NULL; -- another database's migration granted it at the same moment
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION '% may not grant % to %', current_user, name, member
                    USING ERRCODE = 'insufficient_privilege', HINT = by_hand;
        END;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO nmc_gate, nmc_tenant, nmc_system;

-- Neither door may be SECURITY DEFINER or carry a SET clause: SET ROLE is refused in the first and undone after the second.
-- They use SET LOCAL rather than set_config(), because a distributed PostgreSQL passes on the statement, not the function.

CREATE FUNCTION public.nmc_enter_tenant(tenant uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'nmc_enter_tenant needs a tenant' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SET LOCAL ROLE nmc_tenant;
    EXECUTE pg_catalog.format('SET LOCAL nmc.tenant_id = %L', tenant);
END
$$;
COMMENT ON FUNCTION public.nmc_enter_tenant(uuid) IS
    'Until the transaction ends: only this tenant''s rows exist. Also callable after nmc_enter_system().';

CREATE FUNCTION public.nmc_enter_system() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE nmc_system;
    SET LOCAL nmc.tenant_id = '';
END
$$;
COMMENT ON FUNCTION public.nmc_enter_system() IS
    'Until the transaction ends: the rows of every tenant. Also callable after nmc_enter_tenant().';

-- Triggers hand over their table's name: on a distributed PostgreSQL, TG_TABLE_NAME is the name of a shard.

CREATE FUNCTION public.nmc_touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- A statement that moves updated_at itself, by its client's clock, has its way.
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.nmc_touch_updated_at() IS
    'BEFORE UPDATE: moves updated_at, unless the statement did. Argument: the table''s name.';

CREATE FUNCTION public.nmc_touch_last_used_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_used_at = OLD.last_used_at THEN
        NEW.last_used_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.nmc_touch_last_used_at() IS
    'BEFORE UPDATE: moves last_used_at, unless the statement did. Argument: the table''s name.';

CREATE FUNCTION public.nmc_protect_table(tbl regclass, append_only boolean DEFAULT false, tenant_key name DEFAULT 'tenant_id')
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    bare CONSTANT name := (SELECT relname FROM pg_class WHERE oid = tbl);
    -- After a transaction that set it, the setting is '' and not missing.
    own CONSTANT text := format('%I = nullif(current_setting(''nmc.tenant_id'', true), '''')::uuid', tenant_key);
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tbl);
    EXECUTE format('CREATE POLICY %I ON %s TO nmc_tenant USING (%s) WITH CHECK (%s)', bare || '_tenant_policy', tbl, own, own);
    EXECUTE format('CREATE POLICY %I ON %s TO nmc_system USING (true) WITH CHECK (true)', bare || '_system_policy', tbl);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, nmc_gate, nmc_tenant, nmc_system', tbl);
    IF append_only THEN
        EXECUTE format('GRANT SELECT, INSERT ON %s TO nmc_tenant', tbl);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON %s TO nmc_system', tbl);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO nmc_tenant, nmc_system', tbl);
    END IF;
END
$$;
COMMENT ON FUNCTION public.nmc_protect_table(regclass, boolean, name) IS
    'For migrations: row-level security, policies and grants of a new tenant table. append_only refuses UPDATE to both '
    'roles and DELETE to nmc_tenant; tenant_key is the column that holds the tenant.';

REVOKE ALL ON FUNCTION
    public.nmc_enter_tenant(uuid),
    public.nmc_enter_system(),
    public.nmc_touch_updated_at(),
    public.nmc_touch_last_used_at(),
    public.nmc_protect_table(regclass, boolean, name)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nmc_enter_tenant(uuid), public.nmc_enter_system() TO nmc_gate, nmc_tenant, nmc_system;
