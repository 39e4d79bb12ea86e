-- Who may come in: tenants, their users, sessions, profiles and API keys.

CREATE TABLE tenants (
    id UUID DEFAULT gen_random_uuid(),
    business_name VARCHAR(255) NOT NULL,
    business_address TEXT,
    business_phone VARCHAR(20),
    business_type VARCHAR(100),
    industry VARCHAR(100),
    owner_id UUID,
    status VARCHAR(50) NOT NULL DEFAULT 'active',
    subscription_tier VARCHAR(50) NOT NULL DEFAULT 'basic',
    is_active BOOLEAN NOT NULL DEFAULT true,
    onboarding_step INTEGER NOT NULL DEFAULT 1,
    onboarding_completed BOOLEAN NOT NULL DEFAULT false,
    service_radius_miles INTEGER NOT NULL DEFAULT 25,
    estimated_job_min DECIMAL(10,2) NOT NULL DEFAULT 150.00,
    estimated_job_max DECIMAL(10,2) NOT NULL DEFAULT 300.00,
    business_hours_start TIME NOT NULL DEFAULT '07:00:00',
    business_hours_end TIME NOT NULL DEFAULT '18:00:00',
    timezone VARCHAR(50) NOT NULL DEFAULT 'America/Los_Angeles',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_business_name_key UNIQUE (business_name),
    CONSTRAINT tenants_business_phone_key UNIQUE (business_phone),
    CONSTRAINT tenants_business_name_check CHECK (btrim(business_name) <> ''),
    CONSTRAINT tenants_status_check CHECK (status IN ('active', 'inactive', 'suspended', 'pending')),
    CONSTRAINT tenants_is_active_check CHECK (NOT (is_active AND status IN ('inactive', 'suspended'))),
    CONSTRAINT tenants_onboarding_step_check CHECK (onboarding_step BETWEEN 1 AND 5),
    CONSTRAINT tenants_service_radius_miles_check CHECK (service_radius_miles >= 0),
    CONSTRAINT tenants_estimated_job_min_check CHECK (estimated_job_min >= 0),
    CONSTRAINT tenants_estimated_job_max_check CHECK (estimated_job_max > estimated_job_min)
);
COMMENT ON TABLE tenants IS 'A business: the unit of isolation, billing and onboarding. Only nmc_system adds or deletes one.';
COMMENT ON COLUMN tenants.id IS 'The tenant_id of every other table.';
COMMENT ON COLUMN tenants.business_name IS 'What greetings call the business; unique over all tenants.';
COMMENT ON COLUMN tenants.business_address IS 'Postal address, free text.';
COMMENT ON COLUMN tenants.business_phone IS
    'The number the business already had, not one provisioned here; unique over all tenants.';
COMMENT ON COLUMN tenants.business_type IS 'Trade, an open list: plumbing, electrical, hvac, …';
COMMENT ON COLUMN tenants.industry IS 'Wider sector, free text.';
COMMENT ON COLUMN tenants.owner_id IS 'The user who owns the account, of this same tenant; NULL until that user exists.';
COMMENT ON COLUMN tenants.status IS 'active, inactive, suspended or pending.';
COMMENT ON COLUMN tenants.subscription_tier IS 'Name of the plan, an open list.';
COMMENT ON COLUMN tenants.is_active IS 'Whether the tenant is served; never true while inactive or suspended.';
COMMENT ON COLUMN tenants.onboarding_step IS 'Step reached, 1 to 5.';
COMMENT ON COLUMN tenants.onboarding_completed IS 'Whether onboarding is behind them.';
COMMENT ON COLUMN tenants.service_radius_miles IS 'How far from the address jobs are taken, in miles.';
COMMENT ON COLUMN tenants.estimated_job_min IS 'Lower end of a usual job''s price, in US dollars.';
COMMENT ON COLUMN tenants.estimated_job_max IS 'Upper end of a usual job''s price, in US dollars; above estimated_job_min.';
COMMENT ON COLUMN tenants.business_hours_start IS 'Opening time, local to timezone.';
COMMENT ON COLUMN tenants.business_hours_end IS
    'Closing time, local to timezone; before the opening time when the day ends past midnight.';
COMMENT ON COLUMN tenants.timezone IS 'IANA zone name; the library checks it against the zone list.';
COMMENT ON COLUMN tenants.created_at IS 'When the tenant registered.';
COMMENT ON COLUMN tenants.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX tenants_owner_id_idx ON tenants (owner_id, id);
CREATE INDEX tenants_status_idx ON tenants (status);
CREATE INDEX tenants_business_type_idx ON tenants (business_type);
CREATE INDEX tenants_onboarding_step_onboarding_completed_idx ON tenants (onboarding_step, onboarding_completed);
CREATE INDEX tenants_active_onboarding_idx ON tenants (status, onboarding_completed)
    WHERE status = 'active' AND onboarding_completed = false;
CREATE INDEX tenants_service_radius_miles_idx ON tenants (service_radius_miles);
CREATE INDEX tenants_estimated_job_min_estimated_job_max_idx ON tenants (estimated_job_min, estimated_job_max);
CREATE TRIGGER tenants_touch_updated_at BEFORE UPDATE ON tenants
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('tenants');
SELECT public.nmc_protect_table('tenants', tenant_key => 'id');
REVOKE INSERT, DELETE ON tenants FROM nmc_tenant;

CREATE TABLE users (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    email VARCHAR(255) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    first_name VARCHAR(100),
    last_name VARCHAR(100),
    role VARCHAR(50) NOT NULL DEFAULT 'user',
    is_active BOOLEAN NOT NULL DEFAULT true,
    email_verified BOOLEAN NOT NULL DEFAULT true,
    verification_token VARCHAR(255),
    failed_login_attempts INTEGER NOT NULL DEFAULT 0,
    locked_until TIMESTAMPTZ,
    last_login_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_tenant_id_id_key UNIQUE (tenant_id, id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT users_email_check CHECK (email = lower(email)),
    CONSTRAINT users_role_check CHECK (role IN ('owner', 'admin', 'operator', 'user', 'viewer')),
    CONSTRAINT users_failed_login_attempts_check CHECK (failed_login_attempts >= 0)
);
COMMENT ON TABLE users IS 'A person who can log in. Belongs to one tenant; the e-mail address is unique over all tenants.';
COMMENT ON COLUMN users.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN users.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN users.email IS 'Login name, in lower case.';
COMMENT ON COLUMN users.password_hash IS 'bcrypt, in its modular crypt format.';
COMMENT ON COLUMN users.first_name IS 'Given name.';
COMMENT ON COLUMN users.last_name IS 'Family name.';
COMMENT ON COLUMN users.role IS 'owner, admin, operator, user or viewer.';
COMMENT ON COLUMN users.is_active IS 'Whether the user may log in.';
COMMENT ON COLUMN users.email_verified IS 'True from the start: the first build verifies no addresses.';
COMMENT ON COLUMN users.verification_token IS
    'Reserved for address verification, not used by the first build; would hold a hash, never the token.';
COMMENT ON COLUMN users.failed_login_attempts IS 'Wrong passwords in a row since the last login.';
COMMENT ON COLUMN users.locked_until IS 'No login before this instant; NULL when not locked.';
COMMENT ON COLUMN users.last_login_at IS 'Last successful login.';
COMMENT ON COLUMN users.created_at IS 'When the row was written.';
COMMENT ON COLUMN users.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX users_is_active_idx ON users (tenant_id, is_active);
CREATE INDEX users_role_idx ON users (tenant_id, role);
CREATE INDEX users_last_login_at_idx ON users (last_login_at DESC);
CREATE INDEX users_failed_login_attempts_idx ON users (failed_login_attempts) WHERE failed_login_attempts > 0;
CREATE INDEX users_locked_until_idx ON users (locked_until) WHERE locked_until IS NOT NULL;
CREATE TRIGGER users_touch_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('users');
SELECT public.nmc_protect_table('users');

-- Tenants and users point at each other. Deferred, so that both can be written, or deleted, in one transaction.
ALTER TABLE tenants ADD CONSTRAINT tenants_owner_id_fkey
    FOREIGN KEY (id, owner_id) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE user_sessions (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    user_id UUID NOT NULL,
    refresh_token_hash VARCHAR(255) NOT NULL,
    previous_token_hash VARCHAR(255),
    rotated_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL,
    ip_address INET,
    user_agent TEXT,
    device_fingerprint VARCHAR(255),
    is_active BOOLEAN NOT NULL DEFAULT true,
    ended_at TIMESTAMPTZ,
    ended_reason VARCHAR(20),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT user_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT user_sessions_refresh_token_hash_key UNIQUE (refresh_token_hash),
    CONSTRAINT user_sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT user_sessions_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT user_sessions_is_active_check CHECK (NOT (is_active AND ended_at IS NOT NULL)),
    CONSTRAINT user_sessions_ended_reason_check
        CHECK (ended_reason IN ('logout', 'logout_all', 'reuse', 'password_changed', 'expired', 'suspended', 'deactivated')),
    CONSTRAINT user_sessions_ended_at_ended_reason_check CHECK ((ended_at IS NULL) = (ended_reason IS NULL))
);
COMMENT ON TABLE user_sessions IS 'One login of one user on one device; lives on by rotating its refresh token.';
COMMENT ON COLUMN user_sessions.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN user_sessions.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN user_sessions.user_id IS 'The user.';
COMMENT ON COLUMN user_sessions.refresh_token_hash IS 'Hash of the refresh token in force; the token itself is never stored.';
COMMENT ON COLUMN user_sessions.previous_token_hash IS
    'Hash of the token before the last rotation: whoever shows that one again holds a stolen copy.';
COMMENT ON COLUMN user_sessions.rotated_at IS 'When the refresh token was last exchanged.';
COMMENT ON COLUMN user_sessions.expires_at IS 'No refresh from this instant on.';
COMMENT ON COLUMN user_sessions.ip_address IS 'Address the login came from.';
COMMENT ON COLUMN user_sessions.user_agent IS 'The client''s User-Agent header.';
COMMENT ON COLUMN user_sessions.device_fingerprint IS 'Whatever the client sends to tell its devices apart.';
COMMENT ON COLUMN user_sessions.is_active IS 'False once ended; an expired session may still say true.';
COMMENT ON COLUMN user_sessions.ended_at IS 'When it ended; NULL while it lives.';
COMMENT ON COLUMN user_sessions.ended_reason IS
    'logout, logout_all, reuse (a rotated token came back), password_changed, expired, suspended or deactivated; given with '
    'ended_at.';
COMMENT ON COLUMN user_sessions.created_at IS 'When the row was written.';
COMMENT ON COLUMN user_sessions.last_used_at IS 'Last change; moves by trigger.';

CREATE INDEX user_sessions_user_id_is_active_expires_at_idx ON user_sessions (tenant_id, user_id, is_active, expires_at);
CREATE INDEX user_sessions_expires_at_idx ON user_sessions (expires_at);
CREATE INDEX user_sessions_previous_token_hash_idx ON user_sessions (previous_token_hash) WHERE previous_token_hash IS NOT NULL;
CREATE TRIGGER user_sessions_touch_last_used_at BEFORE UPDATE ON user_sessions
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_last_used_at('user_sessions');
SELECT public.nmc_protect_table('user_sessions');

CREATE TABLE user_profiles (
    id UUID DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL,
    email VARCHAR(255) NOT NULL,
    first_name VARCHAR(100) NOT NULL,
    last_name VARCHAR(100) NOT NULL,
    display_name VARCHAR(200),
    phone_number VARCHAR(20),
    profile_photo_url TEXT,
    timezone VARCHAR(50) NOT NULL DEFAULT 'America/Los_Angeles',
    role VARCHAR(50) NOT NULL DEFAULT 'owner',
    tenant_id UUID NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT user_profiles_pkey PRIMARY KEY (id),
    CONSTRAINT user_profiles_user_id_key UNIQUE (user_id),
    CONSTRAINT user_profiles_tenant_id_user_id_key UNIQUE (tenant_id, user_id),
    CONSTRAINT user_profiles_email_key UNIQUE (email),
    CONSTRAINT user_profiles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT user_profiles_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT user_profiles_email_check CHECK (email = lower(email)),
    CONSTRAINT user_profiles_role_check CHECK (role IN ('owner', 'admin', 'operator', 'user', 'viewer'))
);
COMMENT ON TABLE user_profiles IS
    'How a user appears to others. E-mail and role repeat the user''s and change in the same transaction.';
COMMENT ON COLUMN user_profiles.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN user_profiles.user_id IS 'The user; one profile each.';
COMMENT ON COLUMN user_profiles.email IS 'Same as the user''s, in lower case.';
COMMENT ON COLUMN user_profiles.first_name IS 'Given name.';
COMMENT ON COLUMN user_profiles.last_name IS 'Family name.';
COMMENT ON COLUMN user_profiles.display_name IS 'Shown instead of first and last name when given.';
COMMENT ON COLUMN user_profiles.phone_number IS 'Where to reach the user.';
COMMENT ON COLUMN user_profiles.profile_photo_url IS 'URL or stored path of the photo.';
COMMENT ON COLUMN user_profiles.timezone IS 'IANA zone name; the library checks it against the zone list.';
COMMENT ON COLUMN user_profiles.role IS 'Same as the user''s.';
COMMENT ON COLUMN user_profiles.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN user_profiles.is_active IS 'Whether the profile is shown.';
COMMENT ON COLUMN user_profiles.created_at IS 'When the row was written.';
COMMENT ON COLUMN user_profiles.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX user_profiles_is_active_idx ON user_profiles (tenant_id, is_active);
CREATE INDEX user_profiles_role_idx ON user_profiles (tenant_id, role);
CREATE INDEX user_profiles_active_updated_at_idx ON user_profiles (tenant_id, updated_at DESC) WHERE is_active = true;
CREATE TRIGGER user_profiles_touch_updated_at BEFORE UPDATE ON user_profiles
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('user_profiles');
SELECT public.nmc_protect_table('user_profiles');

CREATE TABLE user_preferences (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    user_id UUID NOT NULL,
    sms_notifications_enabled BOOLEAN NOT NULL DEFAULT true,
    email_notifications_enabled BOOLEAN NOT NULL DEFAULT true,
    push_notifications_enabled BOOLEAN NOT NULL DEFAULT true,
    dashboard_sounds_enabled BOOLEAN NOT NULL DEFAULT true,
    dashboard_default_view VARCHAR(50) NOT NULL DEFAULT 'conversations',
    dashboard_refresh_interval INTEGER NOT NULL DEFAULT 30,
    show_tutorial BOOLEAN NOT NULL DEFAULT true,
    auto_response_enabled BOOLEAN NOT NULL DEFAULT true,
    ai_takeover_notifications BOOLEAN NOT NULL DEFAULT true,
    customer_response_timeout INTEGER NOT NULL DEFAULT 60,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT user_preferences_pkey PRIMARY KEY (id),
    CONSTRAINT user_preferences_user_id_key UNIQUE (user_id),
    CONSTRAINT user_preferences_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT user_preferences_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES user_profiles (tenant_id, user_id) ON DELETE CASCADE,
    CONSTRAINT user_preferences_dashboard_default_view_check
        CHECK (dashboard_default_view IN ('conversations', 'calls', 'analytics', 'calendar')),
    CONSTRAINT user_preferences_dashboard_refresh_interval_check CHECK (dashboard_refresh_interval > 0),
    CONSTRAINT user_preferences_customer_response_timeout_check CHECK (customer_response_timeout > 0)
);
COMMENT ON TABLE user_preferences IS 'What a user wants to be told, and how the dashboard opens for them.';
COMMENT ON COLUMN user_preferences.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN user_preferences.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN user_preferences.user_id IS 'The user, who must have a profile; one row each.';
COMMENT ON COLUMN user_preferences.sms_notifications_enabled IS 'Whether to notify by text message.';
COMMENT ON COLUMN user_preferences.email_notifications_enabled IS 'Whether to notify by e-mail.';
COMMENT ON COLUMN user_preferences.push_notifications_enabled IS 'Whether to notify on the device.';
COMMENT ON COLUMN user_preferences.dashboard_sounds_enabled IS 'Whether the dashboard plays sounds.';
COMMENT ON COLUMN user_preferences.dashboard_default_view IS 'conversations, calls, analytics or calendar.';
COMMENT ON COLUMN user_preferences.dashboard_refresh_interval IS 'Seconds between two refreshes of the dashboard.';
COMMENT ON COLUMN user_preferences.show_tutorial IS 'Whether the introduction is still to be shown.';
COMMENT ON COLUMN user_preferences.auto_response_enabled IS 'Whether replies may go out on this user''s behalf.';
COMMENT ON COLUMN user_preferences.ai_takeover_notifications IS 'Whether to say so when the AI takes a conversation over.';
COMMENT ON COLUMN user_preferences.customer_response_timeout IS 'Seconds a customer may wait for this user before help steps in.';
COMMENT ON COLUMN user_preferences.created_at IS 'When the row was written.';
COMMENT ON COLUMN user_preferences.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX user_preferences_user_id_idx ON user_preferences (tenant_id, user_id);
CREATE INDEX user_preferences_notifications_enabled_idx
    ON user_preferences (sms_notifications_enabled, email_notifications_enabled, push_notifications_enabled);
CREATE TRIGGER user_preferences_touch_updated_at BEFORE UPDATE ON user_preferences
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('user_preferences');
SELECT public.nmc_protect_table('user_preferences');

CREATE TABLE user_status (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    user_id UUID NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT true,
    is_online BOOLEAN NOT NULL DEFAULT false,
    last_seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    current_status VARCHAR(20) NOT NULL DEFAULT 'available',
    status_message TEXT,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT user_status_pkey PRIMARY KEY (id),
    CONSTRAINT user_status_user_id_key UNIQUE (user_id),
    CONSTRAINT user_status_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT user_status_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES user_profiles (tenant_id, user_id) ON DELETE CASCADE,
    CONSTRAINT user_status_current_status_check CHECK (current_status IN ('available', 'busy', 'offline', 'away'))
);
COMMENT ON TABLE user_status IS
    'Whether a user is here right now. Overwritten often, kept apart from the profile for that reason.';
COMMENT ON COLUMN user_status.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN user_status.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN user_status.user_id IS 'The user, who must have a profile; one row each.';
COMMENT ON COLUMN user_status.is_active IS 'Whether presence is tracked for this user.';
COMMENT ON COLUMN user_status.is_online IS 'Whether a client is connected.';
COMMENT ON COLUMN user_status.last_seen_at IS 'Last sign of life from a client.';
COMMENT ON COLUMN user_status.current_status IS 'available, busy, offline or away, as the user chose.';
COMMENT ON COLUMN user_status.status_message IS 'The user''s own words beside the status.';
COMMENT ON COLUMN user_status.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX user_status_user_id_idx ON user_status (tenant_id, user_id);
CREATE INDEX user_status_is_online_current_status_idx ON user_status (is_online, current_status);
CREATE INDEX user_status_last_seen_at_idx ON user_status (last_seen_at DESC);
CREATE TRIGGER user_status_touch_updated_at BEFORE UPDATE ON user_status
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('user_status');
SELECT public.nmc_protect_table('user_status');

CREATE TABLE api_keys (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    prefix VARCHAR(16) NOT NULL,
    secret_hash BYTEA NOT NULL,
    scopes TEXT[] NOT NULL DEFAULT '{}',
    created_by UUID,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_prefix_key UNIQUE (prefix),
    CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_created_by_fkey
        FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT api_keys_scopes_check CHECK (array_position(scopes, NULL) IS NULL)
);
COMMENT ON TABLE api_keys IS 'A key with which another program acts for a tenant. The secret is shown once and never stored.';
COMMENT ON COLUMN api_keys.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN api_keys.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN api_keys.name IS 'What the key is for, in the words of whoever made it.';
COMMENT ON COLUMN api_keys.prefix IS 'The public start of the key: finds the row, and tells keys apart in lists and logs.';
COMMENT ON COLUMN api_keys.secret_hash IS 'SHA-256 of the secret, 32 bytes.';
COMMENT ON COLUMN api_keys.scopes IS 'What the key may do; empty: nothing.';
COMMENT ON COLUMN api_keys.created_by IS 'The user who made it; NULL when the system did.';
COMMENT ON COLUMN api_keys.expires_at IS 'Refused from this instant on; NULL: does not expire.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Last request made with it, as recorded by the library, not by trigger.';
COMMENT ON COLUMN api_keys.revoked_at IS 'Refused since; NULL while in force.';
COMMENT ON COLUMN api_keys.created_at IS 'When the row was written.';
COMMENT ON COLUMN api_keys.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX api_keys_created_by_idx ON api_keys (tenant_id, created_by);
CREATE TRIGGER api_keys_touch_updated_at BEFORE UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('api_keys');
SELECT public.nmc_protect_table('api_keys');
