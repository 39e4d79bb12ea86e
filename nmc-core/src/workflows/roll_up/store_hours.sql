-- As figures of the hours that begin at $4 and end at $5. $9 is now.
, kept AS (SELECT 'hourly' AS level, $9::timestamptz AS now)
, figures AS (
    SELECT ($4::timestamptz[])[p.place] AS since, ($5::timestamptz[])[p.place] AS before, p.type, p.name, p.value, '{}'::jsonb AS dimensions
    FROM figures_by_place AS p
)
