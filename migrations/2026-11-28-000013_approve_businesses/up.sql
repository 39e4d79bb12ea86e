-- An operator's approval of a business: whoever registers by themselves costs nothing until then.

-- Businesses that are here already are approved: they were served. The default does that without touching a row; it is gone at once, so
-- that a business which a program from before takes in meanwhile waits for an operator, too.
ALTER TABLE tenants ADD COLUMN approved_at TIMESTAMPTZ DEFAULT now();
ALTER TABLE tenants ALTER COLUMN approved_at DROP DEFAULT;
COMMENT ON COLUMN tenants.approved_at IS
    'When an operator approved of the business: from then on it may buy numbers, send texts and have calls forwarded. NULL: it waits '
    'for that, and costs nothing.';
