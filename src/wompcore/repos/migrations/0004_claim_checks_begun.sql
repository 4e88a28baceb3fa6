-- When a check was begun, by the server's clock; checked_at is when its message was said.
ALTER TABLE claim_checks ADD COLUMN begun_at timestamptz NOT NULL DEFAULT now();
