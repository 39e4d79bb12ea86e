-- What is there of the names in $2 (relations), $3 (types) and $4 (functions), in the schema $1.
SELECT kind || ' ' || name AS object FROM (
    SELECT CASE c.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
                          WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type' WHEN 'f' THEN 'foreign table'
                          ELSE 'table' END AS kind,
           c.relname::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2)
    UNION ALL
    -- A table's own type has the table's name, and was told with it.
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.typname
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = $1 AND t.typname = ANY ($3) AND t.typrelid = 0
    UNION ALL
    SELECT 'function', p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 AND p.proname = ANY ($4)
) AS found
ORDER BY 1
