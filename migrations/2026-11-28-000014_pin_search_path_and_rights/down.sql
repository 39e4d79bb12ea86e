-- Each function as it was. What default privileges had given away is not given away again.

CREATE OR REPLACE FUNCTION public.nmc_enter_tenant(tenant uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'nmc_enter_tenant needs a tenant' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SET LOCAL ROLE nmc_tenant;
    EXECUTE pg_catalog.format('SET LOCAL nmc.tenant_id = %L', tenant);
END
$$;

CREATE OR REPLACE FUNCTION public.nmc_enter_system() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE nmc_system;
    SET LOCAL nmc.tenant_id = '';
END
$$;

CREATE OR REPLACE FUNCTION public.nmc_touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- A statement that moves updated_at itself, by its client's clock, has its way.
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION public.nmc_touch_last_used_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_used_at = OLD.last_used_at THEN
        NEW.last_used_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION public.nmc_protect_table(tbl regclass, append_only boolean DEFAULT false, tenant_key name DEFAULT 'tenant_id')
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
