-- A greeting knows more than the name by now.
COMMENT ON COLUMN public.business_settings.greeting_template IS
    'Text sent after a missed call, 10 to 500 characters; {{business_name}}, which must occur, {{hours}} and {{next_opening}} are filled.';
