-- +goose Up

-- The e-mail addresses, in lower case, and the phone numbers, as digits, by which people search for items. They have
-- their own table, so that a change of an item touches no index of table items: Postgres then updates the row in
-- place.
CREATE TABLE item_keys (
    item_id   bigint NOT NULL,
    column_id text   NOT NULL,
    key       text   NOT NULL,
    PRIMARY KEY (item_id, column_id)
);
CREATE INDEX item_keys_key ON item_keys (key);

INSERT INTO item_keys (item_id, column_id, key)
SELECT i.item_id, c.key, k.key
FROM   items i,
       jsonb_each(i.columns) AS c,
       btrim(c.value->>'s', E' \t\r\n') AS text,
       translate(text, ' -().+/', '') AS digits,
       LATERAL (SELECT CASE WHEN c.value->>'t' = 'email' OR text ~ '^[^@\s,;]+@[^\s,;]+$' THEN lower(text)
                            WHEN c.value->>'t' = 'phone' THEN regexp_replace(text, '[^0-9]', '', 'g')
                            WHEN digits ~ '^[0-9]{6,20}$' THEN digits END) AS k(key)
WHERE  c.value->>'t' IN ('email', 'phone', 'text', 'long_text') AND k.key <> '';

DROP INDEX items_phones, items_emails;
ALTER TABLE items DROP COLUMN phones, DROP COLUMN emails;

-- +goose Down
ALTER TABLE items
    ADD COLUMN emails jsonb GENERATED ALWAYS AS
        (lower(jsonb_path_query_array(columns, '$.* ? (@.t == "email").s')::text)::jsonb) STORED,
    ADD COLUMN phones jsonb GENERATED ALWAYS AS
        (translate(jsonb_path_query_array(columns, '$.* ? (@.t == "phone").s')::text, ' -().+/', '')::jsonb) STORED;
CREATE INDEX items_emails ON items USING gin (emails);
CREATE INDEX items_phones ON items USING gin (phones);
DROP TABLE item_keys;
