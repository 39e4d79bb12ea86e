-- Nobody but its owner writes a table of the history; logins that may enter (nmc_gate) read ours.
DO $$
DECLARE
    tbl CONSTANT pg_catalog.regclass := 'public.nmc_migrations';
    grantee pg_catalog.text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::pg_catalog.regrole::pg_catalog.text END
        FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS acl
        WHERE c.oid = tbl AND acl.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', tbl, grantee);
    END LOOP;
    IF tbl::pg_catalog.text LIKE '%nmc\_migrations' AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'nmc_gate') THEN
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO nmc_gate', tbl);
    END IF;
END
$$;
