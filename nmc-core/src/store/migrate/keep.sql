-- Objects of ours belong to their owner and to whom nmc grants them: what the server's default privileges have given away with them is
-- taken back. Logins that may enter (nmc_gate) read the list of migrations, and nobody but its owner writes it.
DO $$
DECLARE
    object pg_catalog.text;
    grantee pg_catalog.text;
BEGIN
    FOR object, grantee IN
        WITH ours AS (
            SELECT pg_catalog.format('TABLE %I.%I', n.nspname, c.relname) AS object, c.relowner AS owner, c.relacl AS acl
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $schema AND c.relname = ANY ($relations)
            UNION ALL
            SELECT pg_catalog.format('SEQUENCE %I.%I', n.nspname, s.relname), s.relowner, s.relacl
            FROM pg_catalog.pg_class s
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
            JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE s.relkind = 'S' AND n.nspname = $schema AND c.relname = ANY ($relations)
            UNION ALL
            SELECT 'FUNCTION ' || p.oid::pg_catalog.regprocedure, p.proowner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
            FROM pg_catalog.pg_proc p
            JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = $schema AND p.proname = ANY ($functions)
        )
        SELECT DISTINCT ours.object, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::pg_catalog.regrole::pg_catalog.text END
        FROM ours
        CROSS JOIN LATERAL pg_catalog.aclexplode(ours.acl) AS acl
        WHERE acl.grantee <> ours.owner
          AND acl.grantee NOT IN (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname IN ('nmc_gate', 'nmc_tenant', 'nmc_system'))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE', object, grantee);
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'nmc_gate') THEN
        REVOKE ALL ON public.nmc_migrations FROM nmc_gate, nmc_tenant, nmc_system;
        GRANT SELECT ON public.nmc_migrations TO nmc_gate;
    END IF;
END
$$;
