-- Sound that is charged by its length. No number: none, or written by a process that knew no such price.
ALTER TABLE cost_entries ADD audio_s double precision;
ALTER TABLE cost_reservations ADD audio_s double precision;
