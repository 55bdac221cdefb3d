-- +goose Up

-- options.adopt names the side whose value ends first meetings. There was a flag for each side.
UPDATE sweeps
SET    options = options - 'adopt_back' || jsonb_build_object('adopt', CASE WHEN options->'adopt_back' = 'true' THEN 'salesforce' ELSE 'monday' END)
WHERE  options ?| '{adopt,adopt_back}';

-- +goose Down
UPDATE sweeps
SET    options = options - 'adopt' || CASE WHEN options->>'adopt' = 'salesforce' THEN '{"adopt_back": true}' ELSE '{"adopt": true}' END::jsonb
WHERE  options ? 'adopt';
