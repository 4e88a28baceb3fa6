-- What the owner loaded by hand runs whatever the list in the settings says.
ALTER TABLE plugin_states ADD COLUMN by_hand boolean NOT NULL DEFAULT false;
