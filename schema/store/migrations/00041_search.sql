-- +goose Up

-- E-mail addresses in lower case, and phone numbers as digits, for searching. They are columns and not index
-- expressions, so that an update of an item that does not change them touches no index.
ALTER TABLE items
    ADD COLUMN emails jsonb GENERATED ALWAYS AS
        (lower(jsonb_path_query_array(columns, '$.* ? (@.t == "email").s')::text)::jsonb) STORED,
    ADD COLUMN phones jsonb GENERATED ALWAYS AS
        (translate(jsonb_path_query_array(columns, '$.* ? (@.t == "phone").s')::text, ' -().+/', '')::jsonb) STORED;
CREATE INDEX items_emails ON items USING gin (emails);
CREATE INDEX items_phones ON items USING gin (phones);
CREATE INDEX items_words ON items USING gin (to_tsvector('simple', regexp_replace(name, '[^[:alnum:]]+', ' ', 'g')));
CREATE INDEX links_ended ON links USING gin (string_to_array(ended_id, ' ')) WHERE ended_id IS NOT NULL;

-- For the history of one item.
CREATE INDEX error_logs_item_id ON error_logs (item_id);
CREATE INDEX dead_letters_item_id ON dead_letters (((args->>'item_id')::bigint));

-- +goose Down
DROP INDEX dead_letters_item_id, error_logs_item_id, links_ended, items_words, items_phones, items_emails;
ALTER TABLE items DROP COLUMN phones, DROP COLUMN emails;
