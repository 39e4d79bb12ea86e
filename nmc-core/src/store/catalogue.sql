-- The schema as PostgreSQL itself describes it, a line each, in a stable order: what `migrate verify` compares.
WITH tables AS (
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.relowner
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'public'::regnamespace
      AND c.relkind IN ('r', 'p', 'v', 'm')
      AND c.relname NOT IN ('__diesel_schema_migrations', 'nmc_migrations')
), lines AS (
    SELECT 'table ' || relname
           || CASE relkind WHEN 'v' THEN ' view' WHEN 'm' THEN ' materialized view' ELSE '' END
           || CASE WHEN relrowsecurity THEN ' row security' ELSE '' END
           || CASE WHEN relforcerowsecurity THEN ' forced' ELSE '' END AS line
    FROM tables
    UNION ALL
    SELECT 'column ' || t.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
           || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END
           || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM tables t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'constraint ' || t.relname || '.' || k.conname || ' ' || pg_get_constraintdef(k.oid)
           || CASE WHEN k.convalidated THEN '' ELSE ' not valid' END
    FROM tables t JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid
    WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT 'index ' || t.relname || '.' || i.relname || ' '
           || regexp_replace(pg_get_indexdef(x.indexrelid), '^.* USING ', '')
           || CASE WHEN x.indisunique THEN ' unique' ELSE '' END
           || CASE WHEN x.indisvalid THEN '' ELSE ' invalid' END
    FROM tables t
    JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
    JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    UNION ALL
    SELECT 'policy ' || t.relname || '.' || p.polname || ' ' || p.polcmd::text
           || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END
           || ' to ' || (SELECT string_agg(r.rolname, ',' ORDER BY r.rolname)
                         FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles))
           || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
           || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM tables t JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid
    UNION ALL
    SELECT 'trigger ' || t.relname || '.' || g.tgname || ' '
           || regexp_replace(pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER \S+ ', '')
           || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' enabled=' || g.tgenabled::text END
    FROM tables t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'grant ' || t.relname || ' to ' || coalesce(r.rolname, 'public') || ': '
           || string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    FROM tables t
    CROSS JOIN LATERAL aclexplode(t.relacl) acl
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE acl.grantee <> t.relowner
    GROUP BY t.relname, coalesce(r.rolname, 'public')
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text || ' ' || l.lanname
           || CASE WHEN p.prosecdef THEN ' security definer' ELSE '' END
           || coalesce(' ' || array_to_string(p.proconfig, ' '), '')
           || ' body ' || md5(p.prosrc)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'nmc\_%'
)
SELECT line FROM lines ORDER BY line COLLATE "C"
