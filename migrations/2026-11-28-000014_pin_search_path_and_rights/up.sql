-- What the server's settings and default privileges would decide for us: where names are looked up, and who may touch our objects.

-- A transaction that has entered a role looks names up here and nowhere before it: not in a schema of the login's name, not where a
-- setting of the database or the role says, and among temporary tables last. It costs no round trip, and ends with the transaction.

CREATE OR REPLACE FUNCTION public.nmc_enter_tenant(tenant uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'nmc_enter_tenant needs a tenant' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SET LOCAL search_path = public, pg_temp;
    SET LOCAL ROLE nmc_tenant;
    EXECUTE pg_catalog.format('SET LOCAL nmc.tenant_id = %L', tenant);
END
$$;

CREATE OR REPLACE FUNCTION public.nmc_enter_system() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL search_path = public, pg_temp;
    SET LOCAL ROLE nmc_system;
    SET LOCAL nmc.tenant_id = '';
END
$$;

-- Triggers also run for statements that entered nothing.

CREATE OR REPLACE FUNCTION public.nmc_touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- A statement that moves updated_at itself, by its client's clock, has its way.
    IF NEW.updated_at OPERATOR(pg_catalog.=) OLD.updated_at THEN
        NEW.updated_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION public.nmc_touch_last_used_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_used_at OPERATOR(pg_catalog.=) OLD.last_used_at THEN
        NEW.last_used_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

-- A new table belongs to whom it is granted to here, whatever the server's default privileges have given away with it.

CREATE OR REPLACE FUNCTION public.nmc_protect_table(
    tbl regclass, append_only boolean DEFAULT false, tenant_key name DEFAULT 'tenant_id'
)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    bare CONSTANT name := (SELECT relname FROM pg_class WHERE oid = tbl);
    -- After a transaction that set it, the setting is '' and not missing.
    own CONSTANT text := format('%I = nullif(current_setting(''nmc.tenant_id'', true), '''')::uuid', tenant_key);
    grantee text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tbl);
    EXECUTE format('CREATE POLICY %I ON %s TO nmc_tenant USING (%s) WITH CHECK (%s)', bare || '_tenant_policy', tbl, own, own);
    EXECUTE format('CREATE POLICY %I ON %s TO nmc_system USING (true) WITH CHECK (true)', bare || '_system_policy', tbl);
    FOR grantee IN
        SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
        WHERE c.oid = tbl AND acl.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', tbl, grantee);
    END LOOP;
    IF append_only THEN
        EXECUTE format('GRANT SELECT, INSERT ON %s TO nmc_tenant', tbl);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON %s TO nmc_system', tbl);
    ELSE
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO nmc_tenant, nmc_system', tbl);
    END IF;
END
$$;

-- What default privileges have given away until now is taken back. Grants that somebody made for a purpose stay; verify tells of them.
DO $$
DECLARE
    object text;
    grantee text;
BEGIN
    FOR object, grantee IN
        WITH ours AS (
            SELECT 'TABLE ' || c.oid::pg_catalog.regclass AS object, c.relowner AS owner, 'r' AS kind, c.relacl AS acl
            FROM pg_catalog.pg_class c
            WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND EXISTS (
                SELECT FROM pg_catalog.pg_policy p
                WHERE p.polrelid = c.oid AND 'nmc_system'::pg_catalog.regrole::pg_catalog.oid = ANY (p.polroles))
            UNION ALL
            SELECT 'SEQUENCE ' || s.oid::pg_catalog.regclass, s.relowner, 'S', s.relacl
            FROM pg_catalog.pg_class s
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
            JOIN pg_catalog.pg_policy p ON p.polrelid = d.refobjid
            WHERE s.relkind = 'S' AND s.relnamespace = 'public'::pg_catalog.regnamespace
              AND 'nmc_system'::pg_catalog.regrole::pg_catalog.oid = ANY (p.polroles)
            UNION ALL
            SELECT 'FUNCTION ' || p.oid::pg_catalog.regprocedure, p.proowner, 'f', p.proacl
            FROM pg_catalog.pg_proc p
            WHERE p.pronamespace = 'public'::pg_catalog.regnamespace AND p.proname LIKE 'nmc\_%'
        )
        SELECT DISTINCT ours.object, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::pg_catalog.regrole::pg_catalog.text END
        FROM ours
        CROSS JOIN LATERAL pg_catalog.aclexplode(ours.acl) AS acl
        WHERE acl.grantee <> ours.owner
          AND acl.grantee NOT IN (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname IN ('nmc_gate', 'nmc_tenant', 'nmc_system'))
          AND EXISTS (
              SELECT FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS given
              WHERE d.defaclrole = ours.owner AND d.defaclobjtype = ours.kind::pg_catalog."char" AND given.grantee = acl.grantee
                AND d.defaclnamespace IN (0, 'public'::pg_catalog.regnamespace::pg_catalog.oid))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE', object, grantee);
    END LOOP;
END
$$;
