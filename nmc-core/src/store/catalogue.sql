-- The schema as PostgreSQL itself describes it, a line each, in a stable order: what `migrate verify` compares. The first word is the
-- kind, the second the object; what comes before a dot in it is the table.
WITH tables AS (
    SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.relowner
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'public'::regnamespace
      AND c.relkind IN ('r', 'p', 'v', 'm')
      AND c.relname <> '__diesel_schema_migrations'
), functions AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, p.prolang, p.prosecdef, p.proconfig, p.prosrc, p.proowner, p.proacl
    FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'nmc\_%'
), owners AS (
    -- Whoever has made the functions has made the rest.
    SELECT proowner AS owner FROM functions WHERE name LIKE 'nmc\_enter\_system%'
), lines AS (
    SELECT 'table ' || relname
           || CASE relkind WHEN 'v' THEN ' view' WHEN 'm' THEN ' materialized view' ELSE '' END
           || CASE relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END
           || CASE WHEN relrowsecurity THEN ' row security' ELSE '' END
           || CASE WHEN relforcerowsecurity THEN ' forced' ELSE '' END AS line
    FROM tables
    UNION ALL
    SELECT 'owner ' || t.relname || ' is another than that of the functions: ' || t.relowner::regrole
    FROM tables t WHERE t.relowner <> (SELECT owner FROM owners)
    UNION ALL
    SELECT 'column ' || t.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attcollation <> y.typcollation THEN ' collate ' || a.attcollation::regcollation ELSE '' END
           || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
           || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END
           || CASE a.attgenerated WHEN '' THEN '' ELSE ' generated ' || a.attgenerated::text END
           || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM tables t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'comment ' || t.relname || coalesce('.' || a.attname, '') || ' ' || d.description
    FROM tables t
    JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::regclass AND d.objoid = t.oid
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    UNION ALL
    -- From PostgreSQL 18 on NOT NULL is a constraint, too; it stands with its column.
    SELECT 'constraint ' || t.relname || '.' || k.conname || ' ' || pg_get_constraintdef(k.oid)
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
           || ' to ' || coalesce((SELECT string_agg(r.rolname, ',' ORDER BY r.rolname)
                                  FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles)), 'public')
           || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
           || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM tables t JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid
    UNION ALL
    SELECT 'trigger ' || t.relname || '.' || g.tgname || ' '
           || replace(regexp_replace(pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER \S+ ', ''),
                      ' ON ' || current_schema() || '.', ' ON public' || '.')
           || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' enabled=' || g.tgenabled::text END
    FROM tables t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'rule ' || t.relname || '.' || w.rulename
    FROM tables t JOIN pg_catalog.pg_rewrite w ON w.ev_class = t.oid AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'grant ' || t.relname || ' to ' || coalesce(r.rolname, 'public') || ': '
           || string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    FROM tables t
    CROSS JOIN LATERAL aclexplode(t.relacl) acl
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE acl.grantee <> t.relowner
    GROUP BY t.relname, coalesce(r.rolname, 'public')
    UNION ALL
    SELECT 'grant ' || t.relname || '.' || a.attname || ' to ' || coalesce(r.rolname, 'public') || ': '
           || string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    FROM tables t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
    CROSS JOIN LATERAL aclexplode(a.attacl) acl
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE acl.grantee <> t.relowner
    GROUP BY t.relname, a.attname, coalesce(r.rolname, 'public')
    UNION ALL
    SELECT 'grant ' || t.relname || '.' || s.relname || ' to ' || coalesce(r.rolname, 'public') || ': '
           || string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    FROM tables t
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid AND d.deptype IN ('a', 'i')
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    CROSS JOIN LATERAL aclexplode(s.relacl) acl
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE acl.grantee <> s.relowner
    GROUP BY t.relname, s.relname, coalesce(r.rolname, 'public')
    UNION ALL
    SELECT 'function ' || f.name || ' ' || l.lanname
           || CASE WHEN f.prosecdef THEN ' security definer' ELSE '' END
           || coalesce(' ' || replace(array_to_string(f.proconfig, ' '), '=' || current_schema() || ', pg_temp', '=public' || ', pg_temp'), '')
           || ' body ' || md5(replace(replace(f.prosrc, current_schema() || '.nmc_', 'public' || '.nmc_'), '= ' || current_schema() || ', pg_temp', '= public' || ', pg_temp'))
    FROM functions f JOIN pg_catalog.pg_language l ON l.oid = f.prolang
    UNION ALL
    SELECT 'function-comment ' || f.name || ' ' || obj_description(f.oid, 'pg_proc')
    FROM functions f WHERE obj_description(f.oid, 'pg_proc') IS NOT NULL
    UNION ALL
    SELECT 'function-owner ' || f.name || ' is another than that of nmc_enter_system: ' || f.proowner::regrole
    FROM functions f WHERE f.proowner <> (SELECT owner FROM owners)
    UNION ALL
    SELECT 'execute ' || f.name || ' by ' || coalesce(r.rolname, 'public')
    FROM functions f
    CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE acl.grantee <> f.proowner
    UNION ALL
    SELECT 'schema usage by ' || r.rolname
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL aclexplode(n.nspacl) acl
    JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE n.nspname = 'public' AND r.rolname IN ('nmc_gate', 'nmc_tenant', 'nmc_system') AND acl.privilege_type = 'USAGE'
    UNION ALL
    SELECT 'schema objects can be made by ' || coalesce(r.rolname, 'public')
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL aclexplode(n.nspacl) acl
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
    WHERE n.nspname = 'public' AND acl.privilege_type = 'CREATE'
      AND (acl.grantee = 0 OR r.rolname IN ('nmc_gate', 'nmc_tenant', 'nmc_system'))
    UNION ALL
    -- Roles belong to the server: what somebody has made of them later opens the wall of every database.
    SELECT 'role ' || r.rolname || ' ' || attribute.name
    FROM pg_catalog.pg_roles r
    CROSS JOIN LATERAL (VALUES ('is a superuser', r.rolsuper), ('bypasses row security', r.rolbypassrls),
                               ('may create roles', r.rolcreaterole), ('may create databases', r.rolcreatedb),
                               ('may replicate', r.rolreplication)) AS attribute (name, given)
    WHERE r.rolname IN ('nmc_gate', 'nmc_tenant', 'nmc_system') AND attribute.given
    UNION ALL
    SELECT 'role ' || r.rolname || ' is inherited by ' || other.rolname
    FROM pg_catalog.pg_roles r
    JOIN pg_catalog.pg_roles other ON NOT other.rolsuper AND other.rolname <> r.rolname
    WHERE r.rolname IN ('nmc_tenant', 'nmc_system') AND pg_has_role(other.oid, r.oid, 'USAGE')
)
SELECT line FROM lines ORDER BY line COLLATE "C"
