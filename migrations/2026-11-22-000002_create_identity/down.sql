-- In one statement, because tenants and users point at each other.
DROP TABLE api_keys, user_status, user_preferences, user_profiles, user_sessions, users, tenants;
