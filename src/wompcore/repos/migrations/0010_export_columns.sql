-- Which columns a person's export includes; none named: every one.
ALTER TABLE holders ADD COLUMN export_columns text[] NOT NULL DEFAULT '{}';
