DROP FUNCTION public.nmc_protect_table(regclass, boolean, name);
DROP FUNCTION public.nmc_touch_last_used_at();
DROP FUNCTION public.nmc_touch_updated_at();
DROP FUNCTION public.nmc_enter_system();
DROP FUNCTION public.nmc_enter_tenant(uuid);

REVOKE USAGE ON SCHEMA public FROM nmc_gate, nmc_tenant, nmc_system;

-- The roles stay: they belong to the cluster, and other databases in it may be using them.
