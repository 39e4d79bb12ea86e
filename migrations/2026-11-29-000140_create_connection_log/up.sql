-- Who was connected, and for how long: written only where an operator wants it.

CREATE TABLE public.websocket_events (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    user_id UUID,
    socket_id UUID NOT NULL,
    event_type VARCHAR(50) NOT NULL,
    event_data JSONB NOT NULL DEFAULT '{}',
    ip_address INET,
    user_agent TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT websocket_events_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT websocket_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT websocket_events_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES public.users (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT websocket_events_event_type_check
        CHECK (event_type IN ('connect', 'disconnect', 'join_room', 'leave_room', 'broadcast')),
    CONSTRAINT websocket_events_event_data_check CHECK (jsonb_typeof(event_data) = 'object')
);
CREATE INDEX websocket_events_created_at_idx ON public.websocket_events (tenant_id, created_at DESC, id DESC);
CREATE INDEX websocket_events_event_type_created_at_idx
    ON public.websocket_events (tenant_id, event_type, created_at DESC, id DESC);
CREATE INDEX websocket_events_user_id_created_at_idx ON public.websocket_events (tenant_id, user_id, created_at DESC, id DESC);
COMMENT ON TABLE public.websocket_events IS
    'The log of streams of events, by WebSocket or server-sent events. Written only where an operator has switched it on; kept for 30 days.';
COMMENT ON COLUMN public.websocket_events.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.websocket_events.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.websocket_events.user_id IS 'Whose stream it is; NULL: an API key''s.';
COMMENT ON COLUMN public.websocket_events.socket_id IS 'The stream: the same from its connect to its disconnect.';
COMMENT ON COLUMN public.websocket_events.event_type IS 'What happened.';
COMMENT ON COLUMN public.websocket_events.event_data IS
    'Details: an object. Of connect the transport, of disconnect the reason, the seconds and the events sent, else the room.';
COMMENT ON COLUMN public.websocket_events.ip_address IS 'Where the client is, at connect.';
COMMENT ON COLUMN public.websocket_events.user_agent IS 'The client''s User-Agent header, at connect.';
COMMENT ON COLUMN public.websocket_events.created_at IS 'When the row was written: a second or two after it happened.';
SELECT public.nmc_protect_table('public.websocket_events', append_only => true);

CREATE TABLE public.connection_metrics (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    metric_name VARCHAR(50) NOT NULL,
    metric_value INTEGER NOT NULL,
    measurement_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT connection_metrics_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT connection_metrics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT connection_metrics_metric_name_check
        CHECK (metric_name IN ('concurrent_connections', 'connection_duration', 'events_sent')),
    CONSTRAINT connection_metrics_metric_value_check CHECK (metric_value >= 0)
);
CREATE INDEX connection_metrics_measurement_time_idx
    ON public.connection_metrics (tenant_id, measurement_time DESC, id DESC);
CREATE INDEX connection_metrics_metric_name_measurement_time_idx
    ON public.connection_metrics (tenant_id, metric_name, measurement_time DESC, id DESC);
COMMENT ON TABLE public.connection_metrics IS
    'Figures of streams of events. Written only where an operator has switched it on; kept for 30 days.';
COMMENT ON COLUMN public.connection_metrics.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.connection_metrics.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.connection_metrics.metric_name IS 'What was measured.';
COMMENT ON COLUMN public.connection_metrics.metric_value IS
    'Streams that are open at one server, each minute; the seconds that one was open; the events that one was sent.';
COMMENT ON COLUMN public.connection_metrics.measurement_time IS 'When it was measured.';
SELECT public.nmc_protect_table('public.connection_metrics', append_only => true);
