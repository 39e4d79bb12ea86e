-- The days on which a business is closed though its hours would have it open.

CREATE TABLE public.holidays (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    day DATE NOT NULL,
    name VARCHAR(100) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT holidays_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT holidays_day_key UNIQUE (tenant_id, day),
    CONSTRAINT holidays_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT holidays_day_check CHECK (day >= '2000-01-01'::date AND day < '2200-01-01'::date),
    CONSTRAINT holidays_name_check CHECK (name <> '')
);
COMMENT ON TABLE public.holidays IS
    'A day on which a business is closed, from its first instant to its last. What opens by the hours on that day does not open, not even past midnight. 366 a business at the most.';
COMMENT ON COLUMN public.holidays.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.holidays.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.holidays.day IS 'The day of the business''s own calendar: in its zone, whatever that is at the time.';
COMMENT ON COLUMN public.holidays.name IS 'What the business calls it, like Christmas Day.';
COMMENT ON COLUMN public.holidays.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.holidays.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER holidays_touch_updated_at BEFORE UPDATE ON public.holidays
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('holidays');
SELECT public.nmc_protect_table('public.holidays');

-- Not SECURITY DEFINER: whoever writes holidays may have the figures of their tenant computed anew.
CREATE FUNCTION public.nmc_rebuild_by_holiday() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- A day that is to come is in no figure yet; tomorrow has begun in some zone. A business that goes takes its figures along.
    UPDATE analytics_roll_ups AS r SET rebuild_before = now() + interval '366 days'
    WHERE r.tenant_id = coalesce(NEW.tenant_id, OLD.tenant_id) AND least(OLD.day, NEW.day) <= current_date + 1
        AND EXISTS (SELECT FROM tenants AS t WHERE t.id = r.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_rebuild_by_holiday() IS
    'AFTER a change of a holiday that has come: has the job compute the figures of the business anew.';
REVOKE ALL ON FUNCTION public.nmc_rebuild_by_holiday() FROM PUBLIC;
CREATE TRIGGER holidays_keep_figures AFTER INSERT OR DELETE OR UPDATE OF day ON public.holidays
    FOR EACH ROW EXECUTE FUNCTION public.nmc_rebuild_by_holiday();
