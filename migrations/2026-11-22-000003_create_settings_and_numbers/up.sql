-- What each tenant sets, and the numbers it holds.

CREATE TABLE business_settings (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    greeting_template TEXT NOT NULL DEFAULT 'Hello! Thanks for calling {{business_name}}. How can we help you today?',
    greeting_cooldown_hours INTEGER NOT NULL DEFAULT 24,
    ai_takeover_delay_seconds INTEGER NOT NULL DEFAULT 300,
    basic_job_estimate_min INTEGER NOT NULL DEFAULT 75,
    basic_job_estimate_max INTEGER NOT NULL DEFAULT 150,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT business_settings_pkey PRIMARY KEY (id),
    CONSTRAINT business_settings_tenant_id_key UNIQUE (tenant_id),
    CONSTRAINT business_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT business_settings_greeting_template_check CHECK (char_length(greeting_template) BETWEEN 10 AND 500),
    CONSTRAINT business_settings_greeting_template_placeholder_check CHECK (greeting_template LIKE '%{{business_name}}%'),
    CONSTRAINT business_settings_greeting_cooldown_hours_check CHECK (greeting_cooldown_hours BETWEEN 1 AND 720),
    CONSTRAINT business_settings_ai_takeover_delay_seconds_check CHECK (ai_takeover_delay_seconds BETWEEN 60 AND 1800),
    CONSTRAINT business_settings_basic_job_estimate_min_check CHECK (basic_job_estimate_min BETWEEN 25 AND 10000),
    CONSTRAINT business_settings_basic_job_estimate_max_check CHECK (basic_job_estimate_max BETWEEN 25 AND 10000),
    CONSTRAINT business_settings_basic_job_estimate_order_check CHECK (basic_job_estimate_min < basic_job_estimate_max)
);
COMMENT ON TABLE business_settings IS 'How missed calls are answered for a tenant; one row each.';
COMMENT ON COLUMN business_settings.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN business_settings.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN business_settings.greeting_template IS
    'Text sent after a missed call, 10 to 500 characters; {{business_name}}, which must occur, becomes the tenant''s name.';
COMMENT ON COLUMN business_settings.greeting_cooldown_hours IS
    'Hours after a greeting in which the same person gets no other, 1 to 720.';
COMMENT ON COLUMN business_settings.ai_takeover_delay_seconds IS
    'Seconds a customer waits for a person before the AI answers, 60 to 1800.';
COMMENT ON COLUMN business_settings.basic_job_estimate_min IS 'Lowest price quoted unasked, in whole US dollars, 25 to 10000.';
COMMENT ON COLUMN business_settings.basic_job_estimate_max IS
    'Highest price quoted unasked, in whole US dollars, 25 to 10000; above the lowest.';
COMMENT ON COLUMN business_settings.created_at IS 'When the row was written.';
COMMENT ON COLUMN business_settings.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX business_settings_updated_at_idx ON business_settings (updated_at DESC);
CREATE INDEX business_settings_ai_takeover_delay_seconds_idx ON business_settings (ai_takeover_delay_seconds);
CREATE INDEX business_settings_basic_job_estimate_min_max_idx ON business_settings (basic_job_estimate_min, basic_job_estimate_max);
CREATE TRIGGER business_settings_touch_updated_at BEFORE UPDATE ON business_settings
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('business_settings');
SELECT public.nmc_protect_table('business_settings');

CREATE TABLE phone_numbers (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    phone_number VARCHAR(20) NOT NULL,
    twilio_phone_sid VARCHAR(100),
    status VARCHAR(20) NOT NULL DEFAULT 'provisioning',
    status_reason TEXT,
    capabilities JSONB NOT NULL DEFAULT '{"voice": true, "sms": true}',
    webhook_urls JSONB NOT NULL DEFAULT '{}',
    area_code VARCHAR(5),
    locality VARCHAR(100),
    region VARCHAR(50),
    country VARCHAR(3) NOT NULL DEFAULT 'US',
    number_type VARCHAR(20) NOT NULL DEFAULT 'local',
    provisioned_at TIMESTAMPTZ,
    released_at TIMESTAMPTZ,
    monthly_cost_cents INTEGER NOT NULL DEFAULT 100,
    setup_cost_cents INTEGER NOT NULL DEFAULT 100,
    currency VARCHAR(3) NOT NULL DEFAULT 'USD',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT phone_numbers_pkey PRIMARY KEY (id),
    CONSTRAINT phone_numbers_twilio_phone_sid_key UNIQUE (twilio_phone_sid),
    CONSTRAINT phone_numbers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT phone_numbers_phone_number_check CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    CONSTRAINT phone_numbers_status_check CHECK (status IN ('active', 'inactive', 'provisioning', 'error', 'released')),
    CONSTRAINT phone_numbers_status_twilio_phone_sid_check CHECK (status <> 'active' OR twilio_phone_sid IS NOT NULL),
    CONSTRAINT phone_numbers_number_type_check CHECK (number_type IN ('local', 'toll-free', 'mobile')),
    CONSTRAINT phone_numbers_capabilities_check CHECK (jsonb_typeof(capabilities) = 'object'),
    CONSTRAINT phone_numbers_webhook_urls_check CHECK (jsonb_typeof(webhook_urls) = 'object'),
    CONSTRAINT phone_numbers_released_at_check CHECK (released_at >= provisioned_at),
    CONSTRAINT phone_numbers_monthly_cost_cents_check CHECK (monthly_cost_cents >= 0),
    CONSTRAINT phone_numbers_setup_cost_cents_check CHECK (setup_cost_cents >= 0)
);
COMMENT ON TABLE phone_numbers IS
    'A number a tenant holds, or held, with the provider. At most one row that is not released has a given number: that row '
    'says whose call it is.';
COMMENT ON COLUMN phone_numbers.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN phone_numbers.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN phone_numbers.phone_number IS 'E.164, with the plus sign.';
COMMENT ON COLUMN phone_numbers.twilio_phone_sid IS 'The provider''s id of the number; NULL until it is bought.';
COMMENT ON COLUMN phone_numbers.status IS
    'provisioning (the intent, committed before anything is bought), active (bought, so it has a twilio_phone_sid), '
    'inactive, error or released.';
COMMENT ON COLUMN phone_numbers.status_reason IS 'Why the status is error, in plain words.';
COMMENT ON COLUMN phone_numbers.capabilities IS 'Object: capability ⇒ boolean, such as voice and sms.';
COMMENT ON COLUMN phone_numbers.webhook_urls IS 'Object: event ⇒ URL the provider calls.';
COMMENT ON COLUMN phone_numbers.area_code IS 'Area code within the country.';
COMMENT ON COLUMN phone_numbers.locality IS 'City.';
COMMENT ON COLUMN phone_numbers.region IS 'State or province.';
COMMENT ON COLUMN phone_numbers.country IS 'ISO 3166 code.';
COMMENT ON COLUMN phone_numbers.number_type IS 'local, toll-free or mobile.';
COMMENT ON COLUMN phone_numbers.provisioned_at IS 'When it was bought.';
COMMENT ON COLUMN phone_numbers.released_at IS 'When it was given back.';
COMMENT ON COLUMN phone_numbers.monthly_cost_cents IS 'Monthly rent, in hundredths of currency.';
COMMENT ON COLUMN phone_numbers.setup_cost_cents IS 'Price of buying it once, in hundredths of currency.';
COMMENT ON COLUMN phone_numbers.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN phone_numbers.created_at IS 'When the row was written.';
COMMENT ON COLUMN phone_numbers.updated_at IS 'Last change; moves by trigger.';

CREATE UNIQUE INDEX phone_numbers_phone_number_key ON phone_numbers (phone_number) WHERE status <> 'released';
CREATE INDEX phone_numbers_tenant_id_status_idx ON phone_numbers (tenant_id, status);
CREATE INDEX phone_numbers_area_code_idx ON phone_numbers (area_code);
CREATE INDEX phone_numbers_region_locality_idx ON phone_numbers (region, locality);
CREATE INDEX phone_numbers_number_type_idx ON phone_numbers (number_type);
CREATE INDEX phone_numbers_status_idx ON phone_numbers (status);
CREATE INDEX phone_numbers_provisioned_at_idx ON phone_numbers (provisioned_at DESC);
CREATE INDEX phone_numbers_monthly_cost_cents_idx ON phone_numbers (monthly_cost_cents);
CREATE INDEX phone_numbers_active_created_at_idx ON phone_numbers (tenant_id, created_at DESC) WHERE status = 'active';
CREATE INDEX phone_numbers_provisioning_created_at_idx ON phone_numbers (created_at) WHERE status = 'provisioning';
CREATE TRIGGER phone_numbers_touch_updated_at BEFORE UPDATE ON phone_numbers
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('phone_numbers');
SELECT public.nmc_protect_table('phone_numbers');
