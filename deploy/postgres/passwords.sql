-- Sets the passwords of the roles of roles.sql, from the files in which Compose passes secrets to containers. For psql.
\set owner `cat /run/secrets/owner_password`
\set ingest `cat /run/secrets/ingest_password`
\set worker `cat /run/secrets/worker_password`
ALTER ROLE crmsync_owner PASSWORD :'owner';
ALTER ROLE crmsync_ingest PASSWORD :'ingest';
ALTER ROLE crmsync_worker PASSWORD :'worker';
