DROP TABLE public.connection_metrics;
DROP TABLE public.websocket_events;
