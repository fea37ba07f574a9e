#!/bin/sh
# Runs once, when the database server's volume is new: the role and the database of the region's journal.
# The role owns its database and nothing else; the superuser logs in over the container's own socket only.
# docker-compose.yml hands it the password.
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username postgres --dbname postgres <<'SQL'
\set password `cat /tmp/journal-password`
CREATE ROLE jiexu LOGIN PASSWORD :'password';
CREATE DATABASE jiexu OWNER jiexu TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE jiexu FROM PUBLIC;
SQL
