CREATE TABLE tallies (
    message_id bigint PRIMARY KEY,  -- the message with the button
    name       text NOT NULL,
    made_by    bigint,
    made_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE presses (
    message_id bigint NOT NULL REFERENCES tallies (message_id) ON DELETE CASCADE,
    person_id  bigint NOT NULL,
    count      integer NOT NULL,
    PRIMARY KEY (message_id, person_id)
);
CREATE INDEX presses_person ON presses (person_id);
CREATE INDEX tallies_made_by ON tallies (made_by);
