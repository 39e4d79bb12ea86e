-- The figures of the spans that begin at $4, by their place in it: what doesn't come to anything is left out.
, of_calls AS (
    SELECT width_bucket(at, $4::timestamptz[]) AS place, sum(inbound) AS inbound, sum(answered) AS answered, sum(missed) AS missed,
        sum(voicemail) AS voicemail, sum(abandoned) AS abandoned, sum(blocked) AS blocked, sum(failed) AS failed, sum(unanswered) AS unanswered,
        sum(texted_back) AS texted_back, sum(replied) AS replied, sum(converted) AS converted, sum(talk_seconds) AS talk_seconds,
        sum(outbound) AS outbound, sum(cost) AS cost, sum(revenue) AS revenue, sum(revenue_unanswered) AS revenue_unanswered
    FROM call_facts GROUP BY place
), of_opened AS (
    SELECT width_bucket(at, $4::timestamptz[]) AS place, sum(opened) AS opened, sum(responded) AS responded,
        sum(response_seconds) AS response_seconds, sum(response_open_seconds) AS response_open_seconds
    FROM opened GROUP BY place
), of_resolved AS (
    SELECT width_bucket(at, $4::timestamptz[]) AS place, sum(resolved) AS resolved, sum(resolution_seconds) AS resolution_seconds,
        sum(resolution_open_seconds) AS resolution_open_seconds
    FROM resolved GROUP BY place
), of_texts AS (
    SELECT width_bucket(at, $4::timestamptz[]) AS place, sum(received) AS received, sum(sent) AS sent, sum(failed) AS failed, sum(cost) AS cost
    FROM text_facts GROUP BY place
), of_opt_outs AS (
    SELECT width_bucket(at, $4::timestamptz[]) AS place, sum(opt_outs) AS opt_outs FROM opt_outs GROUP BY place
), figures_by_place AS (
    SELECT place, 'call' AS type, figure.name, figure.value FROM of_calls CROSS JOIN LATERAL (VALUES
        ('nmc.calls_inbound', inbound::numeric), ('nmc.calls_answered', answered), ('nmc.calls_missed', missed),
        ('nmc.calls_voicemail', voicemail), ('nmc.calls_abandoned', abandoned), ('nmc.calls_blocked', blocked), ('nmc.calls_failed', failed),
        ('nmc.calls_unanswered', unanswered), ('nmc.calls_texted_back', texted_back), ('nmc.calls_replied', replied),
        ('nmc.calls_converted', converted), ('nmc.calls_talk_seconds', talk_seconds), ('nmc.calls_outbound', outbound),
        ('nmc.calls_cost', cost)
    ) AS figure (name, value) WHERE figure.value <> 0
    UNION ALL
    SELECT place, 'revenue', figure.name, figure.value FROM of_calls CROSS JOIN LATERAL (VALUES
        ('nmc.revenue', revenue), ('nmc.revenue_unanswered', revenue_unanswered)
    ) AS figure (name, value) WHERE figure.value <> 0
    UNION ALL
    SELECT place, 'conversation', figure.name, figure.value FROM of_opened CROSS JOIN LATERAL (VALUES
        ('nmc.conversations_opened', opened::numeric), ('nmc.conversations_responded', responded),
        ('nmc.first_response_seconds', response_seconds), ('nmc.first_response_open_seconds', response_open_seconds)
    ) AS figure (name, value) WHERE figure.value <> 0
    UNION ALL
    SELECT place, 'conversation', figure.name, figure.value FROM of_resolved CROSS JOIN LATERAL (VALUES
        ('nmc.conversations_resolved', resolved::numeric), ('nmc.resolution_seconds', resolution_seconds),
        ('nmc.resolution_open_seconds', resolution_open_seconds)
    ) AS figure (name, value) WHERE figure.value <> 0
    UNION ALL
    SELECT place, 'conversation', figure.name, figure.value FROM of_texts CROSS JOIN LATERAL (VALUES
        ('nmc.texts_received', received::numeric), ('nmc.texts_sent', sent), ('nmc.texts_failed', failed), ('nmc.texts_cost', cost)
    ) AS figure (name, value) WHERE figure.value <> 0
    UNION ALL
    SELECT place, 'conversation', 'nmc.opt_outs', opt_outs FROM of_opt_outs
)
