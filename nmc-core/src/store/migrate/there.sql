-- What the schema $1 has of the history of migrations, and what this login may read. The catalogue is asked, since functions like
-- to_regclass() fail for a login that may not use the schema.
SELECT own.oid IS NOT NULL AS own,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(own.oid, 'SELECT'), false)
           AS may_read_own,
       diesel.oid IS NOT NULL AS diesel,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(diesel.oid, 'SELECT'), false)
           AS may_read_diesel,
       EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid AND p.proname = 'nmc_protect_table') AS installed,
       current_user::pg_catalog.text AS login
FROM (SELECT $1::pg_catalog.text AS name) AS wanted
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.name
LEFT JOIN pg_catalog.pg_class own ON own.relnamespace = n.oid AND own.relname = 'nmc_migrations'
    AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = own.oid AND a.attname = 'fingerprint')
LEFT JOIN pg_catalog.pg_class diesel ON diesel.relnamespace = n.oid AND diesel.relname = '__diesel_schema_migrations'
