COMMENT ON COLUMN public.business_settings.greeting_template IS
    'Text sent after a missed call, 10 to 500 characters; {{business_name}}, which must occur, becomes the tenant''s name.';
