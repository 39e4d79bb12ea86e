DROP TABLE public.typing_notices;
