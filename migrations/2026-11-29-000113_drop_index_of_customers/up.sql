-- transaction: none
-- The one by prefix serves what it served: a missed call pays for one index, as before.
DROP INDEX CONCURRENTLY public.conversations_customer_phone_status_idx;
