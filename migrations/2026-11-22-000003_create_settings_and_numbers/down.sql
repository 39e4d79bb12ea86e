DROP TABLE phone_numbers, business_settings;
